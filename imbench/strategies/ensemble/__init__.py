"""The `ensemble` stage: one method a file."""
