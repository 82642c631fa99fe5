"""Nested tuning: inner folds, and Optuna."""
