"""`recordings/<token>/`: a door for whoever holds the address that a report named."""
