"""The widget's source, read without a browser."""
