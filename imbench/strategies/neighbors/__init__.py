"""Nearest-neighbor searches that samplers can be given: exact, torch, faiss."""
