"""What a dream thinks with. Each engine is a module with `candidates(run)`; `dreaming.passes` does the rest."""

from importlib import import_module
from typing import cast

from django.conf import settings

from dreaming.engines.base import EngineModule
from dreaming.models import DreamPolicy, Engine
from memory.models import MemoryStore

# Imported when first used: the model's SDK takes a second that counting need not pay.
MODULES = {
    Engine.MINING: "dreaming.engines.mining",
    Engine.CLAUDE: "dreaming.engines.claude",
    Engine.ANTHROPIC_DREAMS: "dreaming.engines.anthropic_dreams",
}


def engine(name: str) -> EngineModule:
    return cast(EngineModule, import_module(MODULES[Engine(name)]))


def missing_for(name: str, store: MemoryStore | None = None) -> str:
    """What the deployment, or the store, lacks for this engine, and what to do; empty when nothing."""
    if name == Engine.MINING:
        return ""
    if not settings.ANTHROPIC_API_KEY:
        return f"The engine {name} needs a key: set ANTHROPIC_API_KEY (or ANTHROPIC_API_KEY_FILE) and restart."
    if not settings.DAYLIGHT_MODEL_PRICES:
        return f"What {settings.DAYLIGHT_MODEL} costs is not known: set DAYLIGHT_MODEL_PRICES and restart."
    if name == Engine.ANTHROPIC_DREAMS and store and not remote_store_of(store):
        return (
            f"{store.name} mirrors no memory store at Anthropic: "
            "set its id beside the store's schedule, on the page of an agent that reads it."
        )
    return ""


def remote_store_of(store: MemoryStore) -> str:
    """The id of the memory store at Anthropic that this one mirrors, or ''."""
    return DreamPolicy.objects.filter(store=store).values_list("remote_store", flat=True).first() or ""
