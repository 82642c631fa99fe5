"""Backbones: everything of a net but the head, one a file."""
