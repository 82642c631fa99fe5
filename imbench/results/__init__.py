"""Stored results: folds, the store, metrics."""
