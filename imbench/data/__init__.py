"""Data sets and splits: one source a file, each a function that returns a `Dataset`."""
