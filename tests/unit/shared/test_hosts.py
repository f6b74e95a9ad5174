"""Whose requests count together."""

import pytest

from shared.hosts import host_of


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8::7", "2001:db8::/64"),
        ("2001:DB8:0:0:1:2:3:4", "2001:db8::/64"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("-", "-"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_address_of_ipv4_or_a_network_of_ipv6(address: str, host: str) -> None:
    assert host_of(address) == host
    assert host_of(host) == host
