"""How stores are reviewed, as admins set it."""

from typing import Any

from django.db import transaction
from django.forms.models import model_to_dict

from audit.actors import Actor
from audit.canonical import digest_of, sha256_hex
from audit.services import record
from memory.agents import SettingsMoved
from memory.services import lock_stores
from reviews.models import ReviewSettings

# Addresses of people and a secret: the record gets their HMAC alone.
_WORDS = ("remind_by_mail", "webhook_url")
_STRICTNESS = list(ReviewSettings.FourEyes)


@transaction.atomic
def save_review_settings(*, settings: ReviewSettings, actor: Actor, seen: str = "") -> None:
    """Keep how the store is reviewed, with what it was before in the record.

    `seen` is `settings_digest()` of what the actor was shown: raises `SettingsMoved` when that is no longer so.
    `ValidationError` for values that make no sense. Decisions of the store wait: four eyes hold from one to the next.
    """
    store = settings.store
    lock_stores([store.pk])
    kept = ReviewSettings.of(store)
    if seen and seen != settings_digest(kept):
        raise SettingsMoved(f"How {store.name} is reviewed changed while you had it open. Look at it again.")
    before, after, words = _governed(kept), _governed(settings), _words(kept, settings)
    if before == after:
        return
    for name in before:
        setattr(kept, name, getattr(settings, name))
    kept.full_clean()
    kept.save()
    record(
        action="review.settings_changed",
        actor=actor,
        subject=f"store:{store.pk}",
        store=store.name,
        data={"before": _without_words(before), "after": _without_words(after)},
        words=words,
    )


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


def _words(kept: ReviewSettings, settings: ReviewSettings) -> dict[str, str]:
    moments = {"before": kept, "after": settings}
    return {f"{name}_{when}": getattr(row, name) for name in _WORDS for when, row in moments.items()}
