"""Click-to-call for Django: an embeddable button, real two-leg calls, an honest history."""

__version__ = "0.1.0"
