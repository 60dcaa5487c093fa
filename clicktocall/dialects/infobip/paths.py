"""Where on the account's base address each thing is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

CLICK_TO_CALL = "/voice/ctc/1/send"
VOICE_MESSAGE = "/tts/3/advanced"
IVR_MESSAGE = "/voice/ivr/1/messages"

# Handed out once, and only of messages that were sent without a `notifyUrl`.
REPORTS = "/voice/1/reports"
# Of the last 48 hours, as often as one likes (120 times a minute).
LOGS = "/tts/3/logs"


def logs_of(message_id: str) -> str:
    """The path that lists what is known of one message."""
    return _with_query(LOGS, {"messageId": message_id})


def reports_of(bulk_id: str = "", message_id: str = "", limit: int | None = None) -> str:
    """The path that hands out reports: of a bulk, of a message, or the next `limit` of any."""
    wanted = {"bulkId": bulk_id, "messageId": message_id, "limit": str(limit or "")}
    return _with_query(REPORTS, {name: value for name, value in wanted.items() if value})


def recording_file(file_id: str) -> str:
    """The path of a recording that a report names by its id."""
    return f"/calls/1/recordings/files/{quote(file_id, safe='')}"


def _with_query(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
