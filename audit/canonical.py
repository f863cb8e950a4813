"""One value, one string of bytes: what is hashed is what is stored (RFC 8785, JSON Canonicalization Scheme)."""

import hashlib
from typing import Any

import rfc8785


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 form of `value` (dicts with string keys, lists, strings, integers below 2**53, booleans, None).

    Raises `rfc8785.CanonicalizationError` for anything that has no such form, such as NaN or a lone surrogate.
    """
    return rfc8785.dumps(value)


def sha256_hex(data: bytes | str) -> str:
    """Lower-case hexadecimal SHA-256; text is taken as UTF-8."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def digest_of(value: Any) -> str:
    """Hexadecimal SHA-256 of the canonical bytes of `value`."""
    return sha256_hex(canonical_bytes(value))
