"""What an adapter uses: requests to one provider, each sent once."""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Self

import requests

from clicktocall import __version__
from clicktocall.exceptions import (
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from clicktocall.providers.http.answer import Answer, read_answer
from clicktocall.providers.http.faults import reason_of
from clicktocall.providers.http.options import DEFAULT_TIMEOUT, checked_base_url, checked_timeout
from clicktocall.providers.http.redaction import logs_redacted, redacted, spellings
from clicktocall.providers.http.transport import (
    CONNECTIONS_KEPT,
    Adapter,
    may_have_left,
    nothing_has_left,
)

USER_AGENT = f"django-clicktocall/{__version__}"


class HttpClient:
    """Requests below one base address, from any number of threads, over kept connections.

    Args:
        base_url: https, or http to this very machine; may have a path.
        timeout: seconds to connect (and agree on TLS), and seconds from the sent request to the
            last byte of the answer.
        headers: sent with every request.
        secrets: texts that must never be seen in an error or a log.
        ca_bundle: a file of certificates to verify against instead of the public ones.

    Raises:
        ConfigurationError: the address is not one we may send secrets to.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: tuple[float, float] = DEFAULT_TIMEOUT,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        ca_bundle: str = "",
    ) -> None:
        self._base_url, self.host = checked_base_url(base_url)
        self._timeout = timeout
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        self._headers.update(headers or {})
        self._secrets = spellings(secrets)
        self._verify: bool | str = ca_bundle or True
        self._adapter = Adapter(pool_maxsize=CONNECTIONS_KEPT, max_retries=0)

    @classmethod
    def from_options(
        cls,
        options: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
    ) -> Self:
        """A client by a provider's options: `BASE_URL`, and optionally `TIMEOUT`, `CA_BUNDLE`."""
        return cls(
            options["BASE_URL"],
            timeout=checked_timeout(options.get("TIMEOUT", DEFAULT_TIMEOUT)),
            headers=headers,
            secrets=secrets,
            ca_bundle=str(options.get("CA_BUNDLE", "")),
        )

    def __repr__(self) -> str:
        return f"<HttpClient {self.host}>"

    def get(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.request("GET", path, query=query, headers=headers)

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.request("POST", path, json=json, form=form, query=query, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send once and read the whole answer, whatever its status.

        Args:
            path: below the base address, its parts already percent-encoded.
            json: sent as a JSON body unless None.
            form: sent as a urlencoded body unless None.

        Raises:
            ProviderRefused: the request cannot be written; nothing was sent.
            ProviderUnavailable: no connection; surely nothing was sent.
            OutcomeUnknown: something may have been sent, and no complete answer came back.
        """
        prepared = self._prepare(method, path, json, form, query, headers)
        if prepared is None:
            raise ProviderRefused(f"The request to {self.host} cannot be written.")
        with logs_redacted(self.redact):
            outcome = self._exchange(prepared)
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    def redact(self, text: str) -> str:
        """The text without any of the secrets, however they are spelled in it."""
        return redacted(text, self._secrets)

    def close(self) -> None:
        """Close the kept connections; the client can still be used."""
        self._adapter.close()

    def _prepare(
        self,
        method: str,
        path: str,
        json: Any,
        form: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> requests.PreparedRequest | None:
        all_headers = {**self._headers, **(headers or {})}
        body: bytes | dict[str, str] | None = dict(form) if form is not None else None
        try:
            if json is not None:
                body = json_text.dumps(json, allow_nan=False).encode()
                all_headers["Content-Type"] = "application/json"
            return requests.Request(
                method,
                f"{self._base_url}/{path.lstrip('/')}",
                headers=all_headers,
                params=dict(query or {}),
                data=body,
            ).prepare()
        except (requests.RequestException, ValueError, TypeError, RecursionError):
            return None  # their messages quote the request

    def _exchange(self, request: requests.PreparedRequest) -> Answer | ProviderError:
        # The error is returned, not raised here: the exceptions of the libraries below carry the
        # request with its secrets, and must not hang on ours as its context.
        nothing_has_left()
        try:
            with closing(
                self._adapter.send(request, stream=True, timeout=self._timeout, verify=self._verify)
            ) as response:
                return read_answer(response, self.redact)
        except Exception as error:  # noqa: BLE001 (whichever: what counts is whether bytes left)
            return self._fault(error)

    def _fault(self, error: Exception) -> ProviderError:
        reason = self.redact(reason_of(error))
        if may_have_left():
            return OutcomeUnknown(f"{self.host} was asked, but {reason}")
        return ProviderUnavailable(f"{self.host} cannot be reached: {reason}")
