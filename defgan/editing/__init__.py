"""Editing photographs at their own resolution with trained models."""
