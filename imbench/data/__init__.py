"""Data sets, loaders (one source per file), induced imbalance and cross-validation splits."""
