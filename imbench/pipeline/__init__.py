"""Compose an estimator from a model and a strategy, and record what it was fitted on."""
