"""The tests, with settings of their own."""
