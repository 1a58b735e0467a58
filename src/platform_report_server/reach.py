"""Where this server may connect to because somebody asked for it: public addresses, and what its operator adds."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Union

from platform_report_server.errors import SettingsError

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]  # noqa: UP007  Python 3.10 evaluates it
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]  # noqa: UP007

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# tunnels to other addresses, and what versions of Python differ in
_SPECIAL = [
    ipaddress.ip_network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "2002::/16", "3fff::/20")
]


@dataclass(frozen=True)
class Reach:
    """What is allowed beside public addresses."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> Reach:
        """Return what names of hosts, addresses and networks say."""
        names, networks = set(), list[Network]()
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]")))
            except ValueError as error:
                if "/" in entry or ":" in entry or not entry.strip():
                    raise SettingsError(
                        f"webhooks are allowed to reach a host's name, an address or a network such as 10.1.0.0/16; "
                        f"found {entry!r} ({error})"
                    ) from error
                names.add(entry.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def allows(self, host: str, address: str) -> bool:
        """Tell whether an address that a host's name stands for may be connected to."""
        try:
            number = _meant(ipaddress.ip_address(address))
        except ValueError:
            return False
        return (
            host.lower().rstrip(".") in self.names
            or any(number in each for each in self.networks)
            or _is_public(number)
        )


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified:
        return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    return not any(address in each for each in _SPECIAL)
