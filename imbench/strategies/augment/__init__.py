"""The `augment` stage: one method a file."""
