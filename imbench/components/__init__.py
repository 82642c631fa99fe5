"""Find and construct the objects that a yaml file names; seeds and hashes."""
