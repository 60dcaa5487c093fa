"""The door of the widget: public JSON, no cookies, no credentials."""
