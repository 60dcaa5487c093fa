"""The door of the widget, from a visitor's side."""
