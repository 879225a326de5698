"""Commands of `defgan` beside those of editing and the page."""
