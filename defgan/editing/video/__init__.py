"""Edits moving pictures: clips and animations in, edited clips and animations out; `edit.edit_video` is the entry."""

EASE = 0.3
"""Seconds in which an edit with a beginning or an end comes and goes, unless told otherwise."""
