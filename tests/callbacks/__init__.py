"""The door of the providers, from a provider's side."""
