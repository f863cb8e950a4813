"""Every place where a person's or an agent's words can lie in the database, and what erasing does there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db.models import F, JSONField, Model, Q, TextField
from django.db.models.functions import Cast


@dataclass(frozen=True, slots=True)
class Place:
    """Columns of a table. `how`: `struck` by the database's door, `cleared`, `deleted`, or `left`, and why."""

    label: str
    model: str
    fields: tuple[str, ...]
    how: str
    why: str = ""

    @property
    def table(self) -> type[Model]:
        return apps.get_model(self.model)

    @property
    def kind(self) -> str:
        return self.table._meta.db_table


STRUCK = [
    Place("memory versions", "memory.MemoryVersion", ("content", "path"), "struck"),
    Place(
        "proposals",
        "memory.Proposal",
        ("content", "title", "rationale", "status_reason", "support", "claim_key", "path", "new_path"),
        "struck",
    ),
    Place("quotes", "memory.Evidence", ("quote",), "struck"),
    Place("decisions", "reviews.Decision", ("reason", "path"), "struck"),
    Place("first approvals", "reviews.Vote", ("reason",), "struck"),
    Place("comments", "reviews.Comment", ("body",), "struck"),
    Place("escalations", "reviews.Escalation", ("reason",), "struck"),
    Place("test items", "reviews.Seed", ("flaw",), "struck"),
    Place("answers to test items", "reviews.SeedAnswer", ("reason",), "struck"),
    Place("signatures", "reviews.Signature", ("path",), "struck"),
    Place("waivers", "reviews.Waiver", ("reason",), "struck"),
    Place("answers to waivers", "reviews.ReReview", ("note",), "struck"),
    Place(
        "sessions",
        "agent_sessions.Session",
        ("external_id", "task", "task_id", "principal", "outcome_source", "outcome_detail", "metadata", "extra"),
        "struck",
    ),
]
# Their rows go with that of their session.
EVENTS = Place("sessions", "agent_sessions.Event", ("text", "tool", "call_id", "input", "output", "extra"), "struck")
OPEN_EVENTS = Place("sessions still running", "agent_sessions.OpenEvent", ("body",), "deleted")

CLEARED = [
    Place(
        "corrections of outcomes",
        "agent_sessions.OutcomeCorrection",
        ("earlier_source", "earlier_detail", "reason"),
        "cleared",
    ),
    Place("reasons why sessions are poisoned", "agent_sessions.Poisoning", ("reason",), "cleared"),
    Place("reads of memory", "memory.MemoryRead", ("session_external_id",), "cleared"),
    Place("what is said of stores", "memory.MemoryStore", ("stop_reason", "description", "metadata"), "cleared"),
    Place(
        "earlier settings",
        "memory.HistoricalMemoryStore",
        ("stop_reason", "description", "metadata", "history_change_reason"),
        "cleared",
    ),
    Place("earlier settings", "agent_sessions.HistoricalAgent", ("history_change_reason",), "cleared"),
    Place(
        "earlier settings",
        "reviews.HistoricalReviewSettings",
        ("remind_by_mail", "webhook_url", "history_change_reason"),
        "cleared",
    ),
    Place("findings of dreams", "dreaming.Finding", ("title", "claim_key", "data", "discarded_reason"), "cleared"),
    Place("notes of dreams", "dreaming.Dream", ("error", "manifest", "estimate", "usage", "remote"), "cleared"),
    Place("held ballots", "reviews.HeldBallot", ("ballot", "outcome"), "cleared"),
    Place("requests for changes", "reviews.ChangeRequest", ("note",), "cleared"),
    Place("second looks", "reviews.SecondLook", ("note",), "cleared"),
    Place("re-reviews", "reviews.EvidenceReview", ("reason",), "cleared"),
    Place("answers to loosened policies", "memory.PolicyChange", ("note",), "cleared"),
    Place("errors of mirrors", "dreaming.Mirror", ("error",), "cleared"),
    Place("troubles of pulling", "agent_sessions.RemoteSource", ("trouble",), "cleared"),
    Place("reminders", "reviews.Reminder", ("error", "recipient"), "cleared"),
    Place("ordered test items", "reviews.SeedDraft", ("draft", "flaw", "claim_key"), "cleared"),
]

DELETED = [
    Place("what is known of mirrors", "dreaming.MirroredMemory", ("path", "note"), "deleted"),
    Place("sessions still running", "agent_sessions.OpenSession", ("external_id", "head"), "deleted"),
    Place("traces", "agent_sessions.Trace", ("conversation", "external_id"), "deleted"),
    Place("spans that wait", "agent_sessions.TraceSpan", ("body",), "deleted"),
    Place("digests of sessions", "dreaming.SessionDigest", ("data",), "deleted"),
    Place("notes on sessions", "dreaming.SessionNotes", ("data",), "deleted"),
    Place("answers of models", "dreaming.ModelAnswer", ("data", "about", "reason"), "deleted"),
    Place("saved views", "reviews.SavedView", ("name", "query"), "deleted"),
]

ACTED = "Who acted is named in the record and outlives the account; entries of old may name paths. They never change."
LEFT = [
    Place("entries of the record", "audit.Entry", ("actor_name", "actor_id", "store", "subject"), "left", ACTED),
    Place("erasures", "audit.Erasure", ("reason", "by_name"), "left", "What an erasure gives as its reason stays."),
    Place(
        "legal holds",
        "audit.LegalHold",
        ("subject", "reason", "lift_reason"),
        "left",
        "A hold that stands keeps its words. Have it lifted; its words go with the next erasure.",
    ),
    Place(
        "accounts",
        "auth.User",
        ("username", "first_name", "last_name", "email"),
        "left",
        "Deactivate or rename the account.",
    ),
    Place("addresses", "account.EmailAddress", ("email",), "left", "Change the account's address."),
    Place("agents", "agent_sessions.Agent", ("slug",), "left", "An agent's name is no place for a person's."),
    Place("keys of agents", "agent_sessions.ApiKey", ("label", "issued_by"), "left", "Revoke it and label a new one."),
    Place("signatures", "reviews.Signature", ("signer_name",), "left", "Who signed stays named, as who acted does."),
    Place(
        "loosened policies",
        "memory.PolicyChange",
        ("before", "after", "looser"),
        "left",
        "Settings: names of agents and stores, which are no place for a person's.",
    ),
    Place("stores", "memory.MemoryStore", ("name",), "left", "A store's name is no place for a person's."),
    Place(
        "review settings",
        "reviews.ReviewSettings",
        ("remind_by_mail", "webhook_url"),
        "left",
        "Change the settings first; what they were before is cleared.",
    ),
]

# The words of the record itself are HMACs; everything else that is text is a name, a choice or a hash of the kinds below.
PLACES = [*STRUCK, EVENTS, OPEN_EVENTS, *CLEARED, *DELETED, *LEFT]


def variants(text: str) -> list[str]:
    """The text as it is, and as JSON spells it."""
    spelled = (text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1])
    return list(dict.fromkeys(spelled))


def found_in(place: Place, text: str, fields: tuple[str, ...] | None = None) -> Iterator[int]:
    """The ids of the rows that hold the text, exactly as it is written; of events, those of their sessions."""
    table, condition, aliases = place.table, Q(), {}
    for name in fields or place.fields:
        is_json = isinstance(table._meta.get_field(name), JSONField)
        aliases[f"{name}_text"] = Cast(name, TextField()) if is_json else F(name)
        for spelled in variants(text):
            condition |= Q(**{f"{name}_text__contains": spelled})
    rows = table._default_manager.order_by().alias(**aliases).filter(condition)
    key = "session_id" if place in (EVENTS, OPEN_EVENTS) else "pk"
    return iter(set(rows.values_list(key, flat=True)))
