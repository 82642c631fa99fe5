"""Where folds run: in this process and others beside it, or on other machines."""
