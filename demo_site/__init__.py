"""The runnable project around the app: a small shop with a call button. Not in the wheel."""
