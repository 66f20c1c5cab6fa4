"""Where a request comes from."""

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The address of the client, for the audit trail and for limits. None when nobody can tell.

    `X-Forwarded-For` counts only as far as our own proxies (setting TRUSTED_PROXIES) wrote it: read from the right,
    the first address that is not one of them is the client. What stands left of it, anybody may have written.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if not _is_ours(address):
        return _plain(address)
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    for hop in reversed([hop for hop in hops if hop]):
        if not _is_ours(hop):
            return _plain(hop)
    return _plain(address)


def came_through_our_proxy(request: HttpRequest) -> bool:
    return _is_ours(request.META.get("REMOTE_ADDR", ""))


def network_of(address: str | None) -> str:
    """What is counted as one place: an IPv4 address, or the /64 that a single IPv6 customer is given."""
    parsed = _parsed(address or "")
    if parsed is None:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def proxies(written: Iterable[str]) -> tuple[list[ipaddress.IPv4Network | ipaddress.IPv6Network], bool]:
    """The networks of TRUSTED_PROXIES, and whether a proxy speaks to us over a socket file (the word `unix`).

    The word `none` says that there is no proxy. Raises ValueError for anything else.
    """
    named = [word.strip() for word in written if word.strip()]
    return [ipaddress.ip_network(word) for word in named if word not in ("unix", "none")], "unix" in named


def _is_ours(address: str) -> bool:
    networks, by_socket = proxies(settings.TRUSTED_PROXIES)
    if not address:
        return by_socket
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _plain(address: str) -> str | None:
    parsed = _parsed(address)
    return str(parsed) if parsed else None


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IPv4 address that came through an IPv6 socket (::ffff:192.0.2.1) is the IPv4 address. None: no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
