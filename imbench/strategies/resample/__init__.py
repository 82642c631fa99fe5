"""Samplers of the stage ``resample``, one method a file."""
