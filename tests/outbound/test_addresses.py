"""Reading addresses: one spelling each, and none that somebody else reads differently."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from clicktocall.exceptions import ClicktocallError, ConfigurationError
from clicktocall.outbound import AddressRefused, check_public_url, is_allowed_privately
from clicktocall.outbound.address import LONGEST_URL, read_url
from clicktocall.outbound.hosts import private_hosts
from tests.outbound.conftest import AllowPrivately
from tests.outbound.spellings import (
    PRIVATE_V4,
    PRIVATE_V6,
    PUBLIC_V4,
    PUBLIC_V6,
    any_v4,
    carried,
    decorated,
    numeric,
    private_v4,
)


def refusal(url: str) -> str:
    with pytest.raises(AddressRefused) as caught:
        check_public_url(url)
    assert isinstance(caught.value, ClicktocallError)
    return str(caught.value)


# --- What is accepted -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://www.example.com", "www.example.com", "/"),
        ("HTTPS://WWW.Example.COM:443/A", "www.example.com", "/A"),
        ("http://example.com:80/a/b.mp3?x=1&y=%20", "example.com", "/a/b.mp3?x=1&y=%20"),
        ("https://example.com:8443?x", "example.com:8443", "/?x"),
        ("http://example.com:443/", "example.com:443", "/"),
        ("https://a_b.example.com/~x/(1),;=@!$&'*+", "a_b.example.com", "/~x/(1),;=@!$&'*+"),
        ("https://example.com/a?to=https://b.example/?c[]={d}|e", "example.com", None),
        ("https://Bücher.example/", "xn--bcher-kva.example", "/"),
        ("https://faß.example/", "xn--fa-hia.example", "/"),  # as browsers do, not "fass"
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
        ("https://例え。テスト/", "xn--r8jz45g.xn--zckzah", "/"),
        ("https://8.8.8.8/", "8.8.8.8", "/"),
        ("https://[2606:4700:0:0::1111]:8443/", "[2606:4700::1111]:8443", "/"),
        ("https://[::ffff:8.8.8.8]/", "[::ffff:808:808]", "/"),
        ("https://1.example.com/", "1.example.com", "/"),
    ],
)
def test_public_address(url: str, authority: str, target: str | None) -> None:
    check_public_url(url)
    found = read_url(url)
    assert found.authority == authority
    assert found.target == (target or url.removeprefix("https://example.com"))
    assert not found.privately


@pytest.mark.parametrize("address", [*PUBLIC_V4, *PUBLIC_V6])
def test_public_address_in_numbers(address: str) -> None:
    check_public_url(f"https://[{address}]/" if ":" in address else f"https://{address}/")


def test_the_longest_address() -> None:
    url = "https://example.com/".ljust(LONGEST_URL, "a")
    check_public_url(url)
    assert refusal(f"{url}a") == "An address has at most 2048 characters."


# --- What is refused, with what to do -------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Begin the address with https://"),
        ("www.example.com/a.mp3", "Begin the address with https://"),
        ("ftp://example.com/a.mp3", "Begin the address with https://"),
        ("file:///etc/passwd", "Begin the address with https://"),
        ("gopher://example.com/", "Begin the address with https://"),
        (" https://example.com/", "Begin the address with https://"),
        ("ht\ntps://example.com/", "Begin the address with https://"),
        ("https:/example.com/", "Begin the address with https://"),
        ("https:///path", "names no host"),
        ("https://?x", "names no host"),
        ("https://user@example.com/", "Leave user name and password out"),
        ("https://user:pass@example.com/", "Leave user name and password out"),
        ("https://example.com\\@10.0.0.1/", "Leave user name and password out"),
        ("https://10.0.0.1%2f@example.com/", "Leave user name and password out"),
        ("https://example.com/#part", "Leave out the #"),
        ("https://example.com#@10.0.0.1/", "Leave out the #"),
        ("https://example.com/a b", "not written as browsers write it"),
        ("https://example.com/a\tb", "not written as browsers write it"),
        ("https://example.com/a\r\nHost: x", "not written as browsers write it"),
        ("https://example.com/\n", "not written as browsers write it"),
        ("https://example.com/ü", "not written as browsers write it"),
        ("https://example.com/100%", "not written as browsers write it"),
        ("https://example.com\\/", "not written as browsers write it"),
        ("https://exa%6dple.com/", "not written as browsers write it"),
        ("https://example.com:/", "not written as browsers write it"),
        ("https://example.com:80:80/", "not written as browsers write it"),
        ("https://example.com:+80/", "not written as browsers write it"),
        ("https://2606:4700::1111/", "not written as browsers write it"),
        ("https://[fe80::1%25eth0]/", "not written as browsers write it"),
        ("https://[::1/", "not written as browsers write it"),
        ("https://[8.8.8.8]/", "not an IPv6 address"),
        ("https://[1::2::3]/", "not an IPv6 address"),
        ("https://example.com./", "Leave off the dot"),
        ("https://example..com/", "not a proper name"),
        ("https://.example.com/", "not a proper name"),
        ("https://-a.example.com/", "not a proper name"),
        (f"https://{'a' * 64}.example.com/", "not a proper name"),
        ("https://\u00ad.example/", "not a proper international name"),
        ("https://a\u2010\u0301b.example/", "not a proper international name"),
        (f"https://{'a.' * 127}com/", "at most 253 characters"),
        (f"https://{'ü' * 200}.example/", "not a proper"),
        ("https://example.com:0/", "0 is not a port of web servers"),
        ("https://example.com:25/", "25 is not a port of web servers"),
        ("https://example.com:65536/", "65536 is not a port of web servers"),
        ("https://example.com:99999/", "99999 is not a port of web servers"),
        ("https://localhost/", "localhost is not a public host"),
        ("https://LOCALHOST:8000/", "localhost is not a public host"),
        ("https://a.localhost/", "a.localhost is not a public host"),
        ("https://metadata/", "metadata is not a public host"),
        ("https://metadata.google.internal/", "is not a public host"),
        ("https://printer.local/", "is not a public host"),
        ("https://nas.home.arpa/", "is not a public host"),
        ("https://127.0.0.1/", "127.0.0.1 is not a public host"),
        ("https://127.1/", "four decimal numbers"),
        ("https://2130706433/", "four decimal numbers"),
        ("https://0x7f000001/", "four decimal numbers"),
        ("https://0177.0.0.1/", "four decimal numbers"),
        ("https://127.0.0.1./", "Leave off the dot"),
        ("https://１２７.０.０.１/", "127.0.0.1 is not a public host"),
        ("https://①②⑦.0.0.1/", "127.0.0.1 is not a public host"),
        ("https://1.2.3.256/", "four decimal numbers"),
        ("https://example.0x/", "four decimal numbers"),
        ("https://example.1/", "four decimal numbers"),
    ],
)
def test_refused_with_what_to_do(url: str, words: str) -> None:
    assert words in refusal(url)


@pytest.mark.parametrize("address", [*PRIVATE_V4, *PRIVATE_V6])
def test_private_address_in_numbers(address: str) -> None:
    url = f"https://[{address}]/" if ":" in address else f"https://{address}/"
    assert "is not a public host" in refusal(url)


def test_what_was_written_is_not_repeated() -> None:
    # It may hold a password, or a secret in its query.
    assert "hunter2" not in refusal("https://user:hunter2@example.com/?hunter2")
    assert "hunter2" not in refusal("https://example.com/ ?hunter2")
    assert "hunter2" not in refusal("https://localhost/?hunter2")


# --- Every spelling of a private address ----------------------------------------------------


@given(st.data(), private_v4)
def test_no_spelling_of_a_private_address_is_accepted(
    data: st.DataObject, address: IPv4Address
) -> None:
    text = data.draw(numeric(address))
    assert socket.inet_aton(text) == address.packed
    refusal(f"http://{data.draw(decorated(text))}/")
    for outer in carried(address):
        for spelled in (str(outer), outer.exploded, f"{outer:X}"):
            if ":" in spelled:
                refusal(f"http://[{spelled}]/")
        refusal(f"http://[::ffff:{address}]/")
        refusal(f"http://[64:FF9B::{address}]/")


@given(st.data(), any_v4)
def test_only_the_usual_spelling_of_an_address_is_accepted(
    data: st.DataObject, address: IPv4Address
) -> None:
    text = data.draw(numeric(address))
    try:
        found = read_url(f"http://{text}/")
    except AddressRefused:
        return
    assert found.host.text == text == str(address)


_HOST_LIKE = st.text("0123456789abcdefxX.:[]%-_@\\/?# ０１。①ü\u00ad\u200d", max_size=24)


@given(_HOST_LIKE)
@example("0x7f.1")
@example("[::ffff:127.0.0.1]")
@example("1.1.1.1 ")
def test_an_accepted_name_is_no_address_to_the_system(host: str) -> None:
    try:
        found = read_url(f"http://{host}/").host
    except AddressRefused:
        return
    if found.address is None:
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(found.name, 80, flags=socket.AI_NUMERICHOST)
    else:
        told = socket.getaddrinfo(found.name, 80, flags=socket.AI_NUMERICHOST)
        assert {entry[4][0] for entry in told} <= {
            str(found.address),
            str(getattr(found.address, "ipv4_mapped", None)),
            f"::ffff:{getattr(found.address, 'ipv4_mapped', None)}",
        }


_MOSTLY = ["http://", "https://", "example.com", "10.0.0.1", "@", "\\", "/", "//", ":80", "?", "#"]
_MOSTLY += ["%2f", "%", "..", ";", "&", "\t", "\n", " ", "\x00", "[::1]", "a", "ü", "。", "|", "`"]


@given(st.lists(st.sampled_from(_MOSTLY), max_size=9).map("".join))
@example("http://example.com\\@10.0.0.1/")
def test_others_read_the_same_out_of_an_accepted_address(rest: str) -> None:
    for url in (rest, f"https://example.com{rest}"):
        try:
            found = read_url(url)
        except AddressRefused:
            continue
        try:
            prepared = requests.Request("GET", url).prepare()
        except requests.exceptions.InvalidURL:
            continue  # stricter than we are about names that no resolver knows
        for reading in (urlsplit(url), urlsplit(prepared.url)):
            assert reading.username is reading.password is None
            assert (reading.scheme, reading.port or found.port) == (found.scheme, found.port)
            if str(reading.hostname).isascii():
                assert reading.hostname == found.host.name
        assert urlsplit(prepared.url).hostname == found.host.name


# --- What an operator allows ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("localhost", "http://localhost:8000/", True),
        ("localhost", "http://LOCALHOST/", True),
        ("localhost:8000", "http://localhost:8000/", True),
        ("localhost:8000", "http://localhost:8001/", False),
        ("localhost:80", "http://localhost/", True),
        ("localhost:443", "https://localhost/", True),
        ("localhost:443", "http://localhost/", False),
        ("127.0.0.1", "http://127.0.0.1:9/", True),
        ("127.0.0.1", "http://localhost/", False),
        ("127.0.0.1", "http://127.0.0.2/", False),
        ("127.0.0.1", "http://127.1/", False),
        ("[::1]:8000", "http://[0:0::1]:8000/", True),
        ("[::1]", "http://[::1]/", True),
        ("[::1]", "http://[::ffff:127.0.0.1]/", False),
        ("Pbx.Internal", "https://pbx.internal/", True),
        ("pbx.internal", "https://a.pbx.internal/", False),
        ("internal", "https://pbx.internal/", False),
        ("bücher.internal", "https://xn--bcher-kva.internal/", True),
    ],
)
def test_allowed_private_host_is_exact(
    allow_privately: AllowPrivately, entry: str, url: str, allowed: bool
) -> None:
    refusal(url)
    allow_privately("other.example", entry)
    if allowed:
        check_public_url(url)
        assert is_allowed_privately(url)
    else:
        refusal(url)


def test_allowing_a_host_allows_no_other_way_of_writing(allow_privately: AllowPrivately) -> None:
    allow_privately("localhost")
    for url in ("http://a@localhost/", "http://localhost./", "ftp://localhost/"):
        refusal(url)
    assert "from 1 to 65535" in refusal("http://localhost:65536/")
    assert "from 1 to 65535" in refusal("http://localhost:0/")
    check_public_url("http://localhost:25/")


@pytest.mark.parametrize(
    "entry",
    [
        *("", "http://localhost", "localhost/", "localhost:", "localhost:0", "127.1", "a b"),
        *("*.local", "::1", "10.0.0.0/8", "[::1", ".local"),
    ],
)
def test_an_entry_that_is_no_host_is_named(allow_privately: AllowPrivately, entry: str) -> None:
    allow_privately(entry)
    with pytest.raises(ConfigurationError) as caught:
        private_hosts()
    assert f'CLICKTOCALL["ALLOWED_PRIVATE_HOSTS"] has {entry!r}' in str(caught.value)


def test_a_text_instead_of_a_list_is_named(settings: pytest.FixtureRequest) -> None:
    settings.CLICKTOCALL = {"ALLOWED_PRIVATE_HOSTS": "localhost"}  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="must be a list of hosts"):
        private_hosts()
