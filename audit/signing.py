"""The keys that sign checkpoints: Ed25519, one file each, outside the database."""

import contextlib
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

CURRENT = "current"


class KeyMissing(Exception):
    """The file of the signing key cannot be read; the message says which."""


def key_id(public: bytes) -> str:
    """The first 16 hexadecimal digits of the public key's SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def folder() -> Path:
    path = Path(settings.DAYLIGHT_SIGNING_KEYS)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def new_key() -> Ed25519PrivateKey:
    """Make a key and keep it; it signs nothing before `use()`."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder() / f"{key_id(public_bytes(key))}.pem"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(pem)
    return key


def use(key: Ed25519PrivateKey) -> None:
    """Sign with this key from now on."""
    draft = folder() / f"{CURRENT}.new"
    draft.write_text(key_id(public_bytes(key)) + "\n")
    draft.replace(folder() / CURRENT)


def current_key() -> Ed25519PrivateKey | None:
    """The key that signs; None when there is none yet. Raises `KeyMissing` when its file is gone."""
    try:
        name = (folder() / CURRENT).read_text().strip()
    except FileNotFoundError:
        return None
    file = folder() / f"{name}.pem"
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise KeyMissing(f"The signing key {name} cannot be read from its file: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyMissing(f"The signing key {name} is no Ed25519 key.")
    return key


def is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    with contextlib.suppress(InvalidSignature, ValueError):
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    return False
