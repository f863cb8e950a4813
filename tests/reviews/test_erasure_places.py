"""No column for words is forgotten: each is erased, or is said to stay, or holds no words."""

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.db.models import BinaryField, CharField, JSONField, TextField

from reviews.erasure_places import PLACES

WORDS = (CharField, TextField, JSONField, BinaryField, ArrayField, SearchVectorField)
OURS = ("audit", "agent_sessions", "memory", "dreaming", "reviews")

# Columns of ours that hold no words of anybody: names of those who act, hashes, counts, choices and slugs.
NAMES = {
    "actor_kind", "actor_id", "actor_name", "by_id", "by_name", "user_name", "author_name", "reader_name",
    "decider_name", "assignee_name", "proposer", "proposer_kind", "proposer_id", "planted_by", "requested_by",
    "issued_by", "stopped_by", "proposed_by", "proposed_by_name", "answered_by", "answered_by_name", "set_by_id", "set_by_name", "lifted_by_id", "lifted_by_name", "agents",
}  # fmt: skip
HASHES = {
    "sha256", "digest", "text_key", "content_sha256", "hash", "prev_hash", "prompt_hash", "secret_hash", "commitment",
    "sent_sha256", "drift_sha256", "proposal_digest", "seen", "reason_sha256", "nonce", "sitting", "salt", "public_key", "signature", "signed_by", "key_id", "roots",
}  # fmt: skip
PLAIN = {
    "kind", "earlier", "outcome", "role", "scopes", "public_id", "name", "slug", "action", "store", "source_ref", "risk",
    "window", "step", "model", "redactions", "counts", "verdict", "components", "engine", "schedule", "remote_store", "remote_agent", "remote_id", "last_event", "trace_id", "span_id", "versions",
}  # fmt: skip
# Of sessions these are made anew, and a memory is at the path of its newest version; entries hold HMACs and salts, checkpoints hashes.
DERIVED = {"audit.Entry.body", "audit.Entry.subject", "audit.Checkpoint.body", "audit.Salt.value"}
DERIVED |= {f"agent_sessions.SessionIndex.{name}" for name in ("tools", "failing_tools", "about")}
DERIVED |= {"agent_sessions.SessionWords.words", "memory.Memory.path"}
# A credential, hashed as log-in passwords are; it goes with the account.
CREDENTIALS = {"reviews.SigningPassword.password"}


def columns() -> list[str]:
    return [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in OURS
        for field in model._meta.concrete_fields
        if isinstance(field, WORDS) and not field.choices
    ]


@pytest.mark.parametrize("column", columns())
def test_every_column_for_words_is_erased_or_said_to_stay(column):
    name = column.rsplit(".", 1)[1]
    covered = {f"{place.model}.{field}" for place in PLACES for field in place.fields}
    assert column in covered | DERIVED | CREDENTIALS or name in NAMES | HASHES | PLAIN


def test_every_place_is_there():
    for place in PLACES:
        assert all(place.table._meta.get_field(name) for name in place.fields)
        assert place.how in ("struck", "cleared", "deleted") or place.why
