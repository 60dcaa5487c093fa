"""What an adapter uses: requests to one provider, each sent once."""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any, Self

import requests

from clicktocall import __version__
from clicktocall.exceptions import (
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from clicktocall.outbound.faults import reason_of
from clicktocall.providers.http.address import own_address
from clicktocall.providers.http.answer import Answer, certain, read_answer
from clicktocall.providers.http.download import (
    LARGEST_DOWNLOAD,
    LONGEST_DOWNLOAD,
    Download,
    too_large,
)
from clicktocall.providers.http.options import DEFAULT_TIMEOUT, checked_base_url, checked_timeout
from clicktocall.providers.http.redaction import (
    Redact,
    logs_redacted,
    redacted,
    secrets_of_address,
    spellings,
)
from clicktocall.providers.http.transport import (
    CONNECTIONS_KEPT,
    Adapter,
    allow_body,
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
        url = f"{self._base_url}/{path.lstrip('/')}"
        prepared = self._prepare(method, url, json, form, query, headers)
        with logs_redacted(self.redact):
            outcome = self._exchange(prepared)
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    def stream(
        self,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        largest: int = LARGEST_DOWNLOAD,
        within: float = LONGEST_DOWNLOAD,
    ) -> Download | Answer:
        """GET a file that the provider told us of, without ever holding the whole of it.

        Args:
            address: a whole one, with the scheme, host and port of the base address.
            largest: bytes we take at most.
            within: seconds from the head of the answer to its last byte.

        Returns:
            The file, to be closed by whoever asked; or the whole answer, if it is not a 200.

        Raises:
            ProviderRefused: the address is elsewhere (nothing was sent), or the file too large.
            ProviderUnavailable: no connection, or no answer.
        """
        url = own_address(address, self._base_url)
        if url is None:
            raise ProviderRefused(f"Only addresses of {self.host} itself are fetched.")
        prepared = self._prepare("GET", url, None, None, None, headers)
        of_address = secrets_of_address(url)

        def redact(text: str) -> str:
            return redacted(self.redact(text), of_address)

        outcome = self._open(prepared, largest, within, redact)
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
        url: str,
        json: Any,
        form: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> requests.PreparedRequest:
        all_headers = {**self._headers, **(headers or {})}
        body: bytes | dict[str, str] | None = dict(form) if form is not None else None
        try:
            if json is not None:
                body = json_text.dumps(json, allow_nan=False).encode()
                all_headers["Content-Type"] = "application/json"
            return requests.Request(
                method,
                url,
                headers=all_headers,
                params=dict(query or {}),
                data=body,
            ).prepare()
        except (requests.RequestException, ValueError, TypeError, RecursionError):
            pass  # their messages quote the request
        raise ProviderRefused(f"The request to {self.host} cannot be written.")

    def _exchange(self, request: requests.PreparedRequest) -> Answer | ProviderError:
        # The error is returned, not raised here: the exceptions of the libraries below carry the
        # request with its secrets, and must not hang on ours as its context.
        nothing_has_left()
        try:
            with closing(self._send(request, self._adapter)) as response:
                return read_answer(response, self.redact)
        except Exception as error:  # noqa: BLE001 (whichever: what counts is whether bytes left)
            return self._fault(error)

    def _open(
        self, request: requests.PreparedRequest, largest: int, within: float, redact: Redact
    ) -> Download | Answer | ProviderError:
        nothing_has_left()
        try:
            with logs_redacted(redact), ExitStack() as opened:
                # A connection of its own: whatever comes after the declared end of the file is
                # dropped with it, and never taken for the answer to somebody else's request.
                adapter = Adapter(pool_maxsize=1, max_retries=0)
                opened.callback(adapter.close)
                response = opened.enter_context(closing(self._send(request, adapter)))
                if response.status_code != 200:
                    answer = read_answer(response, redact)
                    return answer if isinstance(answer, Answer) else certain(answer)
                if (response.raw.length_remaining or 0) > largest:
                    return too_large(largest)
                allow_body(response, within)
                return Download(response, opened.pop_all(), largest=largest, fault=self._broke_off)
        except Exception as error:  # noqa: BLE001 (as above)
            return certain(self._fault(error))

    def _send(self, request: requests.PreparedRequest, adapter: Adapter) -> requests.Response:
        return adapter.send(request, stream=True, timeout=self._timeout, verify=self._verify)

    def _broke_off(self, error: Exception) -> ProviderUnavailable:
        reason = self.redact(reason_of(error))
        return ProviderUnavailable(f"{self.host} began to send the file, but {reason}")

    def _fault(self, error: Exception) -> ProviderError:
        reason = self.redact(reason_of(error))
        if may_have_left():
            return OutcomeUnknown(f"{self.host} was asked, but {reason}")
        return ProviderUnavailable(f"{self.host} cannot be reached: {reason}")
