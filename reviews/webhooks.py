"""Posting JSON to an address that an admin gave, and to nowhere else."""

import http.client
import ipaddress
import json
import socket
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

TIMEOUT_SECONDS = 10
# Addresses of IPv4 inside IPv6, which a gateway may lead back to a private network.
_TRANSLATED = [ipaddress.ip_network(block) for block in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


class NotDelivered(Exception):
    """The message did not arrive; why, without the address, which is a secret."""


def post_json(url: str, body: dict[str, Any]) -> None:
    """Post once. Raises `NotDelivered`. Redirects are not followed, and proxies of the environment are not used.

    The host's name is looked up once and the connection goes to the address that was checked, so that a second
    answer of the name server cannot lead elsewhere.
    """
    parts = urlsplit(url)
    try:
        connection = _connect(parts)
    except (OSError, ValueError) as error:
        raise NotDelivered(f"No connection: {error}") from error
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json", "User-Agent": "Daylight", "Connection": "close"}
        connection.request("POST", target, json.dumps(body).encode(), headers)
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotDelivered(f"The connection broke: {error.__class__.__name__}") from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise NotDelivered(f"It answered {status}.")


def _connect(parts: SplitResult) -> http.client.HTTPConnection:
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotDelivered("Only http and https are posted to.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    plain = socket.create_connection((_checked_address(parts.hostname, port), port), timeout=TIMEOUT_SECONDS)
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=TIMEOUT_SECONDS)
    connection.sock = plain
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname, port, timeout=TIMEOUT_SECONDS)
        try:
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
        except OSError:
            plain.close()
            raise
    return connection


def _checked_address(host: str, port: int) -> str:
    """The first address of the host. Raises `NotDelivered` when any of them is private and that is not allowed."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not settings.DAYLIGHT_WEBHOOK_PRIVATE and not all(is_public(address) for address in found):
        raise NotDelivered("The address is private or local; DAYLIGHT_WEBHOOK_PRIVATE=1 allows that.")
    return found[0]


def is_public(address: str) -> bool:
    """Whether the address belongs to a host on the internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in block for block in _TRANSLATED):
            return False
        ip = ip.ipv4_mapped or ip
    return ip.is_global and not ip.is_multicast
