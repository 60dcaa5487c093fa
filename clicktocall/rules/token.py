from __future__ import annotations

from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_bad_token(asked: Asked) -> Refusal | None:
    """A visitor's request carries a fresh token of this endpoint and origin."""
    if asked.token_nonce is None or asked.token_nonce:
        return None
    return Refusal(
        "token_invalid", VisitorCode.TOKEN_INVALID, "The token is missing, forged or too old."
    )


def refusal_of_used_token() -> Refusal:
    """A token places one call; the database says when it already has."""
    return Refusal("token_used", VisitorCode.TOKEN_INVALID, "The token has already placed a call.")
