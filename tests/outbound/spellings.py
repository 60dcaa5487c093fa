"""The many ways to write one address, for property tests."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

PRIVATE_V4 = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1"),
    *("100.100.100.200", "127.0.0.1", "127.255.0.1", "168.63.129.16", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.254", "192.0.0.192", "192.0.2.1", "192.88.99.1"),
    *("192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
]
PRIVATE_V6 = [
    *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254"),
    *("ff02::1", "2001:db8::1", "2001::1", "2001:10::1", "3fff::1"),
    *("100::1", "64:ff9b:1::8.8.8.8", "5f00::1", "fec0::1", "2620:4f:8000::1"),
    *("2002:808:808::1", "::8.8.8.8"),
]
PUBLIC_V4 = [
    *("1.1.1.1", "8.8.8.8", "9.9.9.9", "93.184.216.34", "100.63.255.255"),
    *("172.32.0.1", "223.255.255.254"),
]
PUBLIC_V6 = [
    *("2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888", "2400:cb00::1"),
]

private_v4 = st.sampled_from(PRIVATE_V4).map(IPv4Address)
any_v4 = st.integers(0, 2**32 - 1).map(IPv4Address)

_FULL_WIDTH = {ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"}


@st.composite
def numeric(draw: st.DrawFn, address: IPv4Address) -> str:
    """A text that C programs (`inet_aton`) read as this address: short, octal, hexadecimal."""
    count = draw(st.integers(1, 4))
    packed = address.packed
    numbers = [*packed[: count - 1], int.from_bytes(packed[count - 1 :], "big")]
    forms = [draw(st.sampled_from(["{}", "0{:o}", "00{:o}", "0x{:x}", "0X{:X}"])) for _ in numbers]
    return ".".join(form.format(number) for form, number in zip(forms, numbers, strict=True))


@st.composite
def decorated(draw: st.DrawFn, text: str) -> str:
    """The same with other digits and dots that browsers read as the usual ones."""
    if draw(st.booleans()):
        text = text.translate(_FULL_WIDTH)
    text = text.replace(".", draw(st.sampled_from([".", "。", "．", "｡"])))
    return text + draw(st.sampled_from(["", ".", "。"]))


def carried(address: IPv4Address) -> list[IPv6Address]:
    """IPv6 addresses that have this one inside and lead to it."""
    value = int(address)
    return [
        IPv6Address(value),
        IPv6Address(0xFFFF << 32 | value),
        IPv6Address(0xFFFF << 48 | value),  # SIIT, ::ffff:0:a.b.c.d
        IPv6Address(0x64FF9B << 96 | value),
        IPv6Address(0x64FF9B0001 << 80 | value),
        IPv6Address(0x2002 << 112 | value << 80 | 1),
        IPv6Address(0x20010000 << 96 | value << 64 | value ^ 0xFFFFFFFF),
    ]
