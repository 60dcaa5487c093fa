from __future__ import annotations

from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_without_consent(asked: Asked) -> Refusal | None:
    """Where the endpoint asks for consent, a visitor agrees to exactly the current version."""
    wanted = asked.endpoint.consent_version if asked.endpoint.consent_text else ""
    if not wanted or asked.consent_version is None or asked.consent_version == wanted:
        return None
    given = asked.consent_version or "no version"
    return Refusal(
        "consent_missing",
        VisitorCode.CONSENT_REQUIRED,
        f"Agreed to {given[:64]}, but the endpoint asks for {wanted}.",
    )
