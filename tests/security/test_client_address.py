"""Whose address stands in the audit trail and is counted: never one that the client could make up."""

import pytest
from django.test import RequestFactory

from clinic_site.limits.addresses import client_address, network_of

PROXY, CLIENT = "10.0.0.2", "203.0.113.7"


def asked(address, forwarded=None):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=address, headers=headers))


@pytest.mark.parametrize(
    ("address", "forwarded", "client"),
    [
        (CLIENT, None, CLIENT),
        (CLIENT, "198.51.100.9", CLIENT),  # nobody in front of us: the header is the client's invention
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"198.51.100.9, {CLIENT}", CLIENT),  # the left is what the client sent, the right what the proxy saw
        (PROXY, f"127.0.0.1,{CLIENT}", CLIENT),
        (PROXY, f"{CLIENT}, 10.0.0.3", CLIENT),  # two proxies of ours
        (PROXY, "10.0.0.3", PROXY),
        (PROXY, None, PROXY),
        (PROXY, "", PROXY),
        (PROXY, f"{CLIENT}, unknown", None),
        (PROXY, f"{CLIENT}, <script>", None),
        (PROXY, "2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", None, CLIENT),
        ("::ffff:10.0.0.2", CLIENT, CLIENT),
        ("fe80::1%eth0", None, "fe80::1"),
        ("", CLIENT, None),
        ("not an address", CLIENT, None),
    ],
)
def test_the_header_is_believed_as_far_as_our_own_proxies_wrote_it(settings, address, forwarded, client):
    settings.TRUSTED_PROXIES = ["10.0.0.0/24"]
    assert asked(address, forwarded) == client


def test_without_a_proxy_of_our_own_the_header_is_never_believed(settings):
    settings.TRUSTED_PROXIES = []
    assert asked("127.0.0.1", CLIENT) == "127.0.0.1"
    assert asked("", CLIENT) is None


def test_a_proxy_behind_a_socket_file_has_no_address_and_is_believed_when_named(settings):
    settings.TRUSTED_PROXIES = ["unix"]
    assert asked("", f"198.51.100.9, {CLIENT}") == CLIENT
    assert asked("198.51.100.9", CLIENT) == "198.51.100.9"


def test_an_address_written_in_two_ways_is_one_network():
    assert network_of("::ffff:203.0.113.7") == network_of(CLIENT) == CLIENT
    assert network_of("2001:db8:0:1::7") == network_of("2001:DB8:0:1:ffff::1") != network_of("2001:db8:0:2::7")
    assert network_of(None) == network_of("<script>") == "unknown"
