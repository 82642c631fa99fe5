"""Parse a composed configuration into a checked, typed cell."""
