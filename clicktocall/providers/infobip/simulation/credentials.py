"""Who may ask: the four ways of the provider to say who one is."""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the account's customers may present; an empty one opens nothing.

    `app` is an API key, `basic` is user:password, `bearer` an OAuth token, `session` the token
    of a session.
    """

    app: str = field(default="", repr=False)
    basic: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)
    session: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return any((self.app, self.basic, self.bearer, self.session))

    def accept(self, authorization: str) -> bool:
        """Whether the `Authorization` header of a request is one of theirs."""
        scheme, _, presented = authorization.partition(" ")
        expected = {
            "app": self.app,
            "basic": b64encode(self.basic.encode()).decode() if self.basic else "",
            "bearer": self.bearer,
            "ibsso": self.session,
        }.get(scheme.lower(), "")
        return bool(expected) and hmac.compare_digest(
            expected.encode(), presented.strip().encode("utf-8", "surrogateescape")
        )
