"""Whose requests count together, for every limit that goes by address."""

import ipaddress

NETWORK = 64  # bits; one machine may have all addresses of such a network of IPv6


def host_of(address: str) -> str:
    """An address of IPv4, the network of one of IPv6; what is no address stands for itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped is not None:  # a socket for both kinds shows IPv4 so
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, NETWORK), strict=False))
