"""Which files a run of `defgan edit` writes. All are planned before the first photograph is edited: no photograph takes
the place of another one's edit, of another photograph, or of a file that is there already."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from defgan.editing.image_file import refuse_existing
from defgan.editing.inputs import Given
from defgan.errors import UserError

LONGEST = 255
"""Most bytes of a file's name, in nearly all file systems."""

Outputs = Mapping[str, Path]
"""The files that are written for one photograph, by what they show."""


def _key(path: Path) -> str:
    """Two files with the same key are one, at least where a file system ignores case and how accents are composed."""
    place = os.path.join(os.path.realpath(path.parent), path.name)
    return unicodedata.normalize("NFC", place).casefold()


def plan(
    given: Sequence[Given], name: Callable[[Given, bool], Outputs], overwrite: bool = False
) -> list[Outputs | UserError]:
    """The outputs of each photograph, or why it has none.

    Args:
        given: the photographs of the run.
        name: the outputs of one photograph by themselves. Where those of two photographs would be the same file, such
            as of p.bmp and p.gif, it is called again for both with True: then their names keep the whole name of the
            photograph.
        overwrite: whether existing files may be replaced. Another photograph of the run never is.
    """
    outputs = [{} if each.reject else name(each, False) for each in given]
    for index in _together(outputs):
        outputs[index] = name(given[index], True)
    sources = defaultdict(set)
    for index, each in enumerate(given):
        sources[_key(each.path)].add(index)
    still = _together(outputs)
    return [
        _checked(index, given, outputs, sources, still.get(index), overwrite)
        if not given[index].reject
        # The reason is the photograph's own.
        else UserError(given[index].reject)
        for index in range(len(given))
    ]


def _together(outputs: Sequence[Outputs]) -> dict[int, int]:
    """Which photographs share an output with another one, by index, and one of the others."""
    owners = defaultdict[str, list[int]](list)
    for index, files in enumerate(outputs):
        for key in {_key(path) for path in files.values()}:
            owners[key].append(index)
    shared = [indices for indices in owners.values() if len(indices) > 1]
    return {index: next(other for other in indices if other != index) for indices in shared for index in indices}


def _checked(
    index: int,
    given: Sequence[Given],
    outputs: Sequence[Outputs],
    sources: Mapping[str, set[int]],
    other: int | None,
    overwrite: bool,
) -> Outputs | UserError:
    if other is not None:
        return UserError(f"its edit and that of {given[other].path} would be one file; edit them one after the other")
    for path in outputs[index].values():
        if sources.get(_key(path), set()) - {index}:
            return UserError(f"its edit would replace {path}, another photograph of this run; edit them one by one")
        if (length := len(os.fsencode(path.name))) > LONGEST:
            return UserError(
                f"the name of its edit would have {length} bytes, {LONGEST} are possible; name a file with --output"
            )
        try:
            refuse_existing(path, overwrite)
        except UserError as error:
            return error
    return outputs[index]
