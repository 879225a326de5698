"""The page of `defgan demo`."""
