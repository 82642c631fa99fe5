"""The `batches` stage: one method a file."""
