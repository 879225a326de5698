"""A page to play with: `defgan demo`."""
