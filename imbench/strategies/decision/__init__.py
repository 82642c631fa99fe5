"""The `decision` stage: one method a file."""
