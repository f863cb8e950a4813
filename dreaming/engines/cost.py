"""What a pass pays: by the configured prices, kept on the dream after every call, and never above its caps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings

from dreaming.engines.base import Canceled, OverBudget
from dreaming.models import Dream

# A batch costs half of what the same calls cost one by one.
BATCH_SHARE = 0.5
TOKENS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
PRICED = dict(zip(TOKENS, ("input", "output", "cache_read", "cache_write"), strict=True))


def cost_of(usage: Mapping[str, int], share: float = 1.0) -> float:
    """USD for so many tokens of each of the four kinds."""
    prices = settings.DAYLIGHT_MODEL_PRICES
    return share * sum(usage.get(kind, 0) * prices[price] for kind, price in PRICED.items()) / 1_000_000


def usage_of(reported: object) -> dict[str, int]:
    """The four counts of an SDK's usage object; what it leaves out is 0."""
    return {kind: getattr(reported, kind, 0) or 0 for kind in TOKENS}


def rough_tokens(text: str) -> int:
    """An upper guess without asking: three bytes a token; English has four and more."""
    return len(text.encode()) // 3 + 1


@dataclass(slots=True)
class Wallet:
    """The purse of one pass. A pass that is taken up again goes on with what its dead runner left."""

    dream: Dream
    usage: dict[str, int] = field(default_factory=dict)
    cost: float = 0.0

    @classmethod
    def of(cls, dream: Dream) -> "Wallet":
        return cls(dream, {kind: dream.usage.get(kind, 0) for kind in TOKENS}, float(dream.cost))

    @property
    def max_cost(self) -> float:
        """USD: the dream's own cap, but never more than the deployment's."""
        own = self.dream.max_cost
        return min(settings.DAYLIGHT_DREAM_MAX_COST, float(own) if own is not None else float("inf"))

    def afford(self, *, input_tokens: int, output_tokens: int, share: float = 1.0, part: float = 1.0) -> None:
        """Raise `OverBudget` if a call of at most so many tokens could pass `part` of a cap."""
        dearest = {"cache_creation_input_tokens": input_tokens, "output_tokens": output_tokens}
        if self.cost + cost_of(dearest, share) > part * self.max_cost:
            raise OverBudget(f"the pass may cost ${self.max_cost:.2f}, and ${self.cost:.2f} is spent.")
        limit = settings.DAYLIGHT_DREAM_MAX_TOKENS
        if sum(self.usage.values()) + input_tokens + output_tokens > part * limit:
            raise OverBudget(f"the pass may use {limit:,} tokens, and {sum(self.usage.values()):,} are used.")

    def charge(self, usage: Mapping[str, int], share: float = 1.0) -> None:
        """Keep what a call cost. Raises `Canceled` when the dream is no longer running; the cost is kept even so."""
        for kind in TOKENS:
            self.usage[kind] += usage.get(kind, 0)
        self.cost += cost_of(usage, share)
        self._save()

    def set_total(self, usage: Mapping[str, int]) -> None:
        """Keep what all the work elsewhere has used so far. Raises like `charge`."""
        self.usage = {kind: usage.get(kind, 0) for kind in TOKENS}
        self.cost = cost_of(self.usage)
        self._save()

    def check(self) -> None:
        """Raise `OverBudget` once a cap is reached."""
        self.afford(input_tokens=1, output_tokens=0)

    def _save(self) -> None:
        row = Dream.objects.filter(pk=self.dream.pk)
        row.update(usage=self.usage, cost=Decimal(str(round(self.cost, 4))))
        if not row.filter(status=Dream.Status.RUNNING).exists():
            raise Canceled
