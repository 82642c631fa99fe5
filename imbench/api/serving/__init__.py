"""A fitted classifier as a folder that predicts: saved, checked, served and watched."""
