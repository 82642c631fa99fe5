"""Contract suites that tests of your own components can inherit."""
