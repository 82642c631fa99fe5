"""The `resample` stage: one method a file."""
