"""Run cells: folds, processes, tuning."""
