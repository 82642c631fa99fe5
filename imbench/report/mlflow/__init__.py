"""Export results to MLflow."""
