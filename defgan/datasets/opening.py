"""Reads the photograph of a record, or says why it cannot be read."""

from defgan.photographs import Photograph, UnreadableImageError, read_photograph
from defgan.records import Record

MISSING = "missing file: the annotations or a link name it"


def read_record(record: Record, long_side: int | None) -> Photograph | str:
    """The photograph, reduced as by `read_photograph`; or the reason for which it is rejected."""
    try:
        return read_photograph(record.open(), long_side)
    except FileNotFoundError:
        return MISSING
    except (UnreadableImageError, OSError, ValueError) as error:  # ValueError: no file can have such a name
        text = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
        return f"unreadable image: {text}"
