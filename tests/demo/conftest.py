"""The tests of the page use the face and the random weights of the editing tests."""

from tests.editing.conftest import editor, face_file, face_pixels, find, one_thread, weights  # noqa: F401
