"""The page tests use the editing tests' face and weights by chance."""

from tests.editing.conftest import editor, face_file, face_pixels, find, one_thread, weights  # noqa: F401
