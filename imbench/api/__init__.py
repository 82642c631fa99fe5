"""Compare, fit and keep models from Python; the commands of the command line use the same."""
