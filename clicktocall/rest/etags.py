"""Entity tags (RFC 9110, section 8.8.3): a hash of what is answered."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response


def etag_of(content: Any) -> str:
    """The strong tag of a JSON answer."""
    canonical = json.dumps(content, sort_keys=True, default=str).encode()
    return f'"{hashlib.sha256(canonical).hexdigest()[:32]}"'


def answer_or_not_modified(request: Request, content: Any) -> Response:
    """200 with the content, or 304 to somebody who names its tag in `If-None-Match`."""
    etag = etag_of(content)
    answer = Response(status=304) if names(request, "If-None-Match", etag) else Response(content)
    answer["ETag"] = etag
    return answer


def names(request: Request, header: str, etag: str) -> bool:
    """Whether a list of tags in `header` names this one; the weakness mark is passed over."""
    listed = request.headers.get(header, "").split(",")
    return etag in {tag.strip().removeprefix("W/") for tag in listed}
