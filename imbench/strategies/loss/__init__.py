"""The `loss` stage: one method a file."""
