"""The `weights` stage: one method a file."""
