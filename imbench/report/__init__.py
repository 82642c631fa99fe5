"""Reports on stored results: tables, statistics, plots, the HTML page and MLflow."""
