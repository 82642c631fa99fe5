"""Searches for nearest neighbours that take each other's place: exact, torch, faiss."""
