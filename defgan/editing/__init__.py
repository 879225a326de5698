"""Editing photographs at their own resolution with trained models."""

from defgan.methods import registry

EDITORS = tuple(method.name for method in registry.told_aus())
"""Methods that edit by action units, in the order of the figures."""
DEFAULT = "defgan_supervised"
"""The one that edits where none is named."""
