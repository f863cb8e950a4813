"""What a dream on demand would read and cost, shown to whoever starts it."""

from dataclasses import dataclass, replace
from typing import Any

from django.core import signing

from dreaming.engines.cost import Wallet
from dreaming.models import Dream, Engine
from dreaming.passes import estimate
from dreaming.services import check_options
from dreaming.windows import in_window

# More sessions than this are not mined while somebody waits for the page.
MOST_SESSIONS = 5_000
SALT, GOOD_FOR_SECONDS = "dreaming.outlook", 3_600


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be read: `sessions` in the window, `fresh` of them since the store's `last` completed pass.

    `cost` is as `passes.estimate` gives it; {} when nothing can be counted before, or there are too many sessions to
    count while somebody waits. `cap` is in USD. `token` proves that just this was shown.
    """

    sessions: int
    fresh: int
    last: Dream | None
    cost: dict[str, Any]
    cap: float
    is_long: bool
    token: str

    @property
    def is_over_cap(self) -> bool:
        return bool(self.cost) and self.cost["cost"] > self.cap

    @property
    def asks(self) -> bool:
        """Whether to start such a dream somebody must say so once more."""
        return self.is_over_cap or self.is_long


def look_ahead(dream: Dream) -> Outlook:
    """What the dream, which need not be saved, would read and cost. Nothing is paid.

    Raises `DreamRefused` when it could not be run so, `EngineFailed` when the API that counts cannot be had.
    """
    check_options(store=dream.store, engine=dream.engine, window=dream.window, max_proposals=dream.max_proposals)
    sessions = in_window(dream.store.sessions(), dream.window)
    last = Dream.objects.filter(store=dream.store, status=Dream.Status.COMPLETED).first()
    number = sessions.count()
    is_long = dream.engine == Engine.CLAUDE and number > MOST_SESSIONS
    outlook = Outlook(
        sessions=number,
        fresh=sessions.filter(received_at__gte=last.started_at).count() if last else number,
        last=last,
        cost={} if is_long else estimate(dream),
        cap=Wallet.of(dream).max_cost,
        is_long=is_long,
        token="",
    )
    return replace(outlook, token=signing.dumps([*_options(dream), outlook.asks], salt=SALT))


def was_shown(dream: Dream, *, token: str, confirmed: bool) -> bool:
    """Whether the token is of a fresh look ahead at just this dream, and confirmed where that was asked for."""
    try:
        *options, asks = signing.loads(token, salt=SALT, max_age=GOOD_FOR_SECONDS)
    except signing.BadSignature:
        return False
    return options == _options(dream) and (confirmed or not asks)


def _options(dream: Dream) -> list[Any]:
    return [dream.store_id, dream.engine, dream.window, dream.max_proposals, str(dream.max_cost)]
