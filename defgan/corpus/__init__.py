"""The embedded corpus: rendered faces whose action units and motion are known exactly."""

from defgan.corpus.scenes import Scene, edit_motions, load_scenes, motion, photograph, render_edits

__all__ = ["Scene", "edit_motions", "load_scenes", "motion", "photograph", "render_edits"]
