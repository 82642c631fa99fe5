"""The rows of ``scripts/bench.py``: what is measured, how, and how the table is written."""
