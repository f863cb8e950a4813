"""How stores are reviewed, as admins set it."""

from typing import Any

from django.db import transaction
from django.forms.models import model_to_dict

from audit.actors import Actor
from audit.acts import one_act
from audit.canonical import digest_of, sha256_hex
from audit.services import record
from memory.loosening import SettingsMoved, propose_change
from memory.models import PolicyChange
from memory.services import lock_stores
from reviews.models import ReviewSettings

# Addresses of people and a secret: the record gets their HMAC alone.
_WORDS = ("remind_by_mail", "webhook_url")
_STRICTNESS = list(ReviewSettings.FourEyes)


@transaction.atomic
@one_act()
def save_review_settings(*, settings: ReviewSettings, actor: Actor, seen: str = "") -> PolicyChange | None:
    """Keep how the store is reviewed, with what it was before in the record.

    What asks less of people than before is not kept but proposed, and returned: another admin confirms it.
    `seen` is `settings_digest()` of what the actor was shown: raises `SettingsMoved` when that is no longer so.
    `ValidationError` for values that make no sense. Decisions of the store wait: four eyes hold from one to the next.
    """
    store = settings.store
    lock_stores([store.pk])
    kept = ReviewSettings.of(store)
    if seen and seen != settings_digest(kept):
        raise SettingsMoved(f"How {store.name} is reviewed changed while you had it open. Look at it again.")
    settings.full_clean(exclude=["store"], validate_unique=False, validate_constraints=False)
    looser = loosenings(kept, settings)
    values = {name: getattr(settings, name) for name in _governed(kept) if name not in looser}
    _keep(kept, values, actor)
    if not looser:
        return None
    return propose_change(
        looser=list(looser.values()),
        before={name: getattr(kept, name) for name in looser},
        after={name: getattr(settings, name) for name in looser},
        actor=actor,
        store=store,
    )


def apply_review_change(*, change: PolicyChange, actor: Actor) -> None:
    """Do what a second person confirmed, in the caller's transaction, which holds the store. Raises `SettingsMoved`."""
    kept = ReviewSettings.of(change.store)
    if any(getattr(kept, name) != value for name, value in change.before.items()):
        raise SettingsMoved(f"How {change.store.name} is reviewed changed since this was proposed.")
    _keep(kept, change.after, actor, {"proposed_by": change.proposed_by_name})


def _keep(kept: ReviewSettings, values: dict[str, Any], actor: Actor, said: dict[str, str] | None = None) -> None:
    before, words_before = _governed(kept), _words(kept, "before")
    for name, value in values.items():
        setattr(kept, name, value)
    after = _governed(kept)
    if before == after:
        return
    kept.full_clean()
    kept.save()
    record(
        action="review.settings_changed",
        actor=actor,
        subject=f"store:{kept.store_id}",
        store=kept.store.name,
        data={"before": _without_words(before), "after": _without_words(after), **(said or {})},
        words={**words_before, **_words(kept, "after")},
    )


def loosenings(kept: ReviewSettings, wanted: ReviewSettings) -> dict[str, str]:
    """The settings that ask less of people than before, with a sentence each."""
    longer = wanted.signing_break_minutes > kept.signing_break_minutes
    found = [
        ("four_eyes", asks_for_fewer(kept, wanted.four_eyes), "Fewer people have to agree."),
        ("waivers_allowed", wanted.waivers_allowed and not kept.waivers_allowed, "One person may publish alone."),
        ("signatures", kept.signatures and not wanted.signatures, "Decisions are signed no more."),
        (
            "signing_break_minutes",
            kept.signatures and longer,
            "A sitting may pause longer before both are asked again.",
        ),
        (
            "hold_back_seconds",
            kept.hold_back_seconds and not wanted.hold_back_seconds,
            "Nothing is held back any more.",
        ),
    ]
    return {name: sentence for name, holds, sentence in found if holds}


def settings_digest(settings: ReviewSettings) -> str:
    """What a form shows of the settings, in a word."""
    return digest_of(_governed(settings))


def asks_for_fewer(kept: ReviewSettings, wanted: str) -> bool:
    """Whether the four-eyes setting `wanted` lets pass with one person what two are asked for now."""
    return _STRICTNESS.index(ReviewSettings.FourEyes(wanted)) < _STRICTNESS.index(
        ReviewSettings.FourEyes(kept.four_eyes)
    )


def _governed(settings: ReviewSettings) -> dict[str, Any]:
    values = model_to_dict(settings, exclude=["id", "store"])
    return {name: sha256_hex(value) if name in _WORDS and value else value for name, value in values.items()}


def _without_words(governed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in governed.items() if name not in _WORDS}


def _words(settings: ReviewSettings, when: str) -> dict[str, str]:
    return {f"{name}_{when}": getattr(settings, name) for name in _WORDS}
