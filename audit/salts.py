"""Words in the record: an entry holds their HMAC, and the salt that opens it lies beside, until it is erased."""

import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping

from audit.models import Entry, Salt

SALT_BYTES = 32
SUFFIX = "_hmac"

Words = Mapping[str, str]
# Action → what the database holds now of the words that an entry of it is about; None where that is not kept.
_readers: dict[str, Callable[[Entry], Words | None]] = {}


def new_salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)


def hmac_hex(salt: bytes, text: str) -> str:
    """Lower-case hexadecimal HMAC-SHA256 (RFC 2104) of the text as UTF-8."""
    return hmac.digest(salt, text.encode(), "sha256").hex()


def sealed(salt: bytes, words: Words) -> dict[str, str]:
    """As they stand in an entry."""
    return {f"{name}{SUFFIX}": hmac_hex(salt, text) for name, text in words.items()}


def words_of(action: str) -> Callable[[Callable[[Entry], Words | None]], Callable[[Entry], Words | None]]:
    """Register how the words of an action's entries are read from the rows that they are about."""

    def register(read: Callable[[Entry], Words | None]) -> Callable[[Entry], Words | None]:
        _readers[action] = read
        return read

    return register


def matches(entry: Entry) -> str:
    """Whether the database holds the words that the entry was about: `matches`, `differs`, `erased`, or `''` when the
    entry holds none, or they are not kept.
    """
    hashed = {name: value for name, value in entry.data.items() if name.endswith(SUFFIX)}
    if not hashed:
        return ""
    salt = Salt.objects.filter(entry_id=entry.pk).first()
    if salt is None:
        return "erased"
    reader = _readers.get(entry.action)
    words = reader(entry) if reader else None
    if words is None:
        return ""
    found = sealed(bytes(salt.value), words)
    return "matches" if all(hashed.get(name) == value for name, value in found.items()) else "differs"


def all_matches() -> Iterator[tuple[Entry, str]]:
    """Every entry that holds words, with what `matches()` says of it."""
    for entry in Entry.objects.order_by("seq").iterator(chunk_size=2000):
        if said := matches(entry):
            yield entry, said
