"""A telephone company in the box: it rings nobody and behaves by the number it is asked to call."""

from clicktocall.providers.sandbox.adapter import SandboxProvider

__all__ = ["SandboxProvider"]
