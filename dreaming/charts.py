"""Bars beside a finding's numbers: how many sessions ended in success, with the pattern and without it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """How many of some sessions ended in success; `width` is out of 100."""

    label: str
    success: int
    total: int

    @property
    def width(self) -> int:
        return round(100 * self.success / self.total)


def bars_of(support: dict[str, Any]) -> list[Bar]:
    """With and without, for `templates/_parts/_bars.html`; none unless both sides have a known outcome."""
    bars = [
        Bar(label, support.get(f"{side}_success", 0), support[f"{side}_total"])
        for side, label in (("met", "with it"), ("other", "without"))
        if support.get(f"{side}_total")
    ]
    return bars if len(bars) == 2 else []
