"""A client is counted under its own address, whatever it writes into a header."""

import pytest

from app.addresses import UNKNOWN, Addresses, network_of

PROXIES = [network_of(text) for text in ("127.0.0.1", "10.0.0.0/8", "fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", b"198.51.100.1", "203.0.113.7"),  # no proxy of ours: the header is its own invention
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", b"203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", b"198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", b"198.51.100.1,203.0.113.7 , 10.1.2.3", "203.0.113.7"),
        ("10.9.9.9", b"203.0.113.7:4711", "203.0.113.7"),
        ("127.0.0.1", b"[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"),
        ("127.0.0.1", b"2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fd00::1", b"203.0.113.7", "203.0.113.7"),
        ("::ffff:127.0.0.1", b"::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", b"10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("127.0.0.1", b"198.51.100.1, unknown", "127.0.0.1"),
        ("127.0.0.1", b"198.51.100.1, \xff\xfe, 10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", b"", "127.0.0.1"),
        ("127.0.0.1", b",,,", "127.0.0.1"),
        ("127.0.0.1", b"1" * 100_000, "127.0.0.1"),
        ("127.0.0.1", b"198.51.100.1," + b"10.0.0.1," * 50 + b"10.0.0.2", "10.0.0.1"),
        (None, b"203.0.113.7", UNKNOWN),
        ("", None, UNKNOWN),
    ],
)
def test_the_last_address_that_is_no_trusted_proxy_is_the_clients(
    peer: str | None, forwarded: bytes | None, expected: str
) -> None:
    assert Addresses(PROXIES).of(peer, forwarded) == expected


def test_without_trusted_proxies_headers_are_ignored() -> None:
    assert Addresses().of("127.0.0.1", b"203.0.113.7") == "127.0.0.1"
    assert Addresses().of(None, b"203.0.113.7") == UNKNOWN


@pytest.mark.parametrize("text", ["", "proxy.example", "10.0.0.0/33", "10.0.0.5:80"])
def test_a_proxy_that_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write an address such as 10\.0\.0\.5"):
        network_of(text)
