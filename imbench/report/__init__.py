"""Tables, statistics, plots and the page: everything that is derived from stored results."""
