"""The rows of Infobip's log, for a call whose report never came."""

from __future__ import annotations

from clicktocall.dialects.infobip.documents import NotUnderstood
from clicktocall.dialects.infobip.reports import Report, read_reports
from clicktocall.dialects.infobip.verdict import verdict_of


def row_of(message_id: str, body: bytes, content_type: str) -> Report | None:
    """What an answer of `GET /tts/3/logs` knows of a message; None when it is not in the log.

    Of several rows the one that tells of an end counts, and of those the latest.

    Raises:
        NotUnderstood: the answer cannot be read.
    """
    told = read_reports(body, content_type)
    rows = [row for row in told if row.message_id == message_id]
    if told and not rows:
        raise NotUnderstood("The rows are of other messages than the one asked for.")
    if not told and b"null" in body:  # only an empty list says that there is none
        raise NotUnderstood("The log holds no list of rows.")
    return max(rows, key=_decides, default=None)


def _decides(row: Report) -> tuple[bool, str]:
    at = row.ended_at or row.sent_at
    return verdict_of(row).outcome is not None, at.isoformat() if at else ""
