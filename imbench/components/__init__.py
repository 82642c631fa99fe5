"""Locate and construct the objects that a yaml file names; seeds, hashes, import time."""
