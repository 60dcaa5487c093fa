"""The checks an endpoint has to pass, by what an operator would call their subject."""
