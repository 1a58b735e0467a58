"""What stands for who is not known."""

from __future__ import annotations

import ipaddress

from starlette.requests import HTTPConnection


def network_of(connection: HTTPConnection) -> str:
    """Return where a request comes from: whoever has an address of version 6 has 2**64 of them."""
    address = connection.client.host if connection.client else ""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address
