"""What the host's own page tells about a visitor: signed, so that no visitor can forge it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core import signing

LARGEST_CONTEXT = 2048
CONTEXT_LIFETIME = timedelta(days=1)


def sign_context(endpoint_id: str, context: Mapping[str, Any]) -> str:
    """The context as the page carries it, bound to this endpoint. Other values become text.

    Raises:
        ValueError: it is larger than 2 kB of JSON.
    """
    written = json.dumps(dict(context), default=str)
    if size_of(context) > LARGEST_CONTEXT:
        raise ValueError(f"The context is larger than {LARGEST_CONTEXT} bytes of JSON.")
    return signing.dumps(json.loads(written), salt=_salt(endpoint_id), compress=True)


def size_of(context: Mapping[str, Any]) -> int:
    """How many bytes of JSON the context takes."""
    return len(json.dumps(dict(context), default=str).encode())


def read_context(endpoint_id: str, text: str) -> dict[str, Any] | None:
    """The context in `text`; None when it is not ours, too old or for another endpoint."""
    try:
        context = signing.loads(text, salt=_salt(endpoint_id), max_age=CONTEXT_LIFETIME)
    except signing.BadSignature:
        return None
    return context if isinstance(context, dict) else None


def _salt(endpoint_id: str) -> str:
    return f"clicktocall.context|{endpoint_id}"
