"""Hard trials: `python -m tests.torture` runs them in full and prints a table; the test suite runs a short form."""
