"""Stores, memories and versions in Anthropic's words."""

from datetime import datetime
from typing import Any

from django.db.models import F, Func, IntegerField, QuerySet

from memory.anthropic_api import ids
from memory.models import MemoryStore, MemoryVersion, Proposal
from memory.suggestions import asked_by


def store_shape(store: MemoryStore) -> dict[str, Any]:
    return {
        "id": ids.public_id(ids.STORE, store.pk),
        "type": "memory_store",
        "name": store.name,
        "description": store.description,
        "metadata": store.metadata,
        "created_at": store.created_at,
        "updated_at": store.changed_at or store.created_at,
        "archived_at": store.archived_at,
    }


def shaped(versions: QuerySet[MemoryVersion], view: str) -> QuerySet[MemoryVersion]:
    """With what the shapes need; without the texts in the basic view."""
    size = Func(F("content"), function="octet_length", output_field=IntegerField())
    versions = versions.select_related("memory", "store").annotate(size=size)
    return versions if view == "full" else versions.defer("content")


def memory_shape(version: MemoryVersion, view: str) -> dict[str, Any]:
    """A memory as this version of it has it; the version comes from `shaped()`."""
    return {
        "id": ids.public_id(ids.MEMORY, version.memory_id),
        "type": "memory",
        "memory_store_id": ids.public_id(ids.STORE, version.store_id),
        "memory_version_id": ids.public_id(ids.VERSION, version.pk),
        "path": version.path,
        "content": version.content if view == "full" else None,
        "content_sha256": version.sha256,
        "content_size_bytes": version.size,  # type: ignore[attr-defined]
        "created_at": version.memory.created_at,
        "updated_at": version.created_at,
    }


def with_authors(versions: QuerySet[MemoryVersion]) -> QuerySet[MemoryVersion]:
    """With who decided each, and what had asked for it."""
    return versions.annotate(
        decider_kind=F("decision__decider_kind"),
        decider=F("decision__decider_id"),
        source=F("decision__proposal__source"),
        source_ref=F("decision__proposal__source_ref"),
    )


def version_shape(version: MemoryVersion, view: str) -> dict[str, Any]:
    """A version from `shaped(with_authors())`. A deleted one has no text, an erased one no path either."""
    erased_at = _erased_at(version)
    has_text = erased_at is None and version.operation != MemoryVersion.Operation.DELETED
    return {
        "id": ids.public_id(ids.VERSION, version.pk),
        "type": "memory_version",
        "memory_id": ids.public_id(ids.MEMORY, version.memory_id),
        "memory_store_id": ids.public_id(ids.STORE, version.store_id),
        "operation": version.operation,
        "path": None if erased_at else version.path,
        "content": version.content if has_text and view == "full" else None,
        "content_sha256": version.sha256 if has_text else None,
        "content_size_bytes": version.size if has_text else None,  # type: ignore[attr-defined]
        "created_at": version.created_at,
        "created_by": _author(version),
        "redacted_at": erased_at,
        "redacted_by": None,
    }


def _erased_at(version: MemoryVersion) -> datetime | None:
    """A version that has its text has its hash too."""
    return None if version.sha256 else version.erasure.at


def _author(version: Any) -> dict[str, str]:
    if version.decider_kind == "user":
        return {"type": "user_actor", "user_id": ids.public_id(ids.USER, version.decider)}
    kind, _, name = version.source_ref.partition(":")
    if version.source == Proposal.Source.AGENT and kind == "session":
        return {"type": "session_actor", "session_id": name}
    if version.source == Proposal.Source.AGENT and kind == "api_key":
        return {"type": "api_actor", "api_key_id": ids.public_id(ids.KEY, name)}
    return {"type": "service_account_actor", "service_account_id": ids.POLICY}


def by_author(
    versions: QuerySet[MemoryVersion], *, session: str = "", api_key: str = "", account: str = ""
) -> QuerySet[MemoryVersion]:
    """Those that a policy let through for this session or key, or for nobody else; `versions` from `with_authors()`."""
    for kind, name in (("session", session), ("api_key", api_key.removeprefix(f"{ids.KEY}_"))):
        if name:
            versions = versions.filter(
                decider_kind="policy", source=Proposal.Source.AGENT, source_ref=asked_by(kind, name)
            )
    if account:
        asked_for = versions.filter(source=Proposal.Source.AGENT).exclude(source_ref="")
        versions = versions.filter(decider_kind="policy").exclude(pk__in=asked_for.values("pk"))
        versions = versions if account == ids.POLICY else versions.none()
    return versions
