"""The contract: this API written down as OpenAPI 3.1."""
