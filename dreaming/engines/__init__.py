"""What a dream thinks with. Each engine is a module with `candidates(run)`; `dreaming.passes` does the rest."""

from importlib import import_module
from typing import cast

from dreaming.engines.base import EngineModule
from dreaming.models import Engine

# Imported when first used: the model's SDK takes a second that counting need not pay.
MODULES = {
    Engine.MINING: "dreaming.engines.mining",
}


def engine(name: str) -> EngineModule:
    return cast(EngineModule, import_module(MODULES[Engine(name)]))
