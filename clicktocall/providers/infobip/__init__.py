"""Infobip: click-to-call, voice messages and outbound IVR."""

from clicktocall.providers.infobip.adapter import InfobipProvider

__all__ = ["InfobipProvider"]
