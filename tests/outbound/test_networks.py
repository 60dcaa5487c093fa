"""Which addresses are public, compared with what Python's own library knows."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.outbound.networks import is_public
from tests.outbound.spellings import (
    PRIVATE_V4,
    PRIVATE_V6,
    PUBLIC_V4,
    PUBLIC_V6,
    any_v4,
    carried,
    private_v4,
)


@pytest.mark.parametrize("text", [*PRIVATE_V4, *PRIVATE_V6])
def test_private(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", [*PUBLIC_V4, *PUBLIC_V6])
def test_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(any_v4 | st.integers(0x20 << 120, (0x40 << 120) - 1).map(IPv6Address))
def test_whatever_is_public_is_global_unicast_to_python_too(
    address: IPv4Address | IPv6Address,
) -> None:
    if is_public(address):
        assert address.is_global
        assert not (address.is_multicast | address.is_reserved | address.is_private)


@given(any_v4)
def test_most_of_ipv4_is_public(address: IPv4Address) -> None:
    # The other direction: what Python calls global is, but for multicast and a few odd networks.
    if not is_public(address) and address.is_global and not address.is_multicast:
        assert str(address).startswith(
            ("168.63.129.16", "192.0.0.", "192.31.196.", "192.52.193.", "192.88.99.", "192.175.48.")
        )


@given(private_v4)
def test_an_address_that_carries_a_private_one_is_private(address: IPv4Address) -> None:
    assert [str(outer) for outer in carried(address) if is_public(outer)] == []


@given(any_v4)
def test_an_address_that_carries_a_public_one_is_at_most_as_public(address: IPv4Address) -> None:
    mapped, nat64 = IPv6Address(0xFFFF << 32 | int(address)), IPv6Address(f"64:ff9b::{address}")
    assert is_public(mapped) == is_public(nat64) == is_public(address)
