"""Sessions that came in are handed to the workers, so that their digests are there before a pass asks for them."""

from typing import Any

from django.dispatch import receiver

from dreaming.fanout import hand_out
from sessions.signals import sessions_added


@receiver(sessions_added, dispatch_uid="dreaming.hand_out_digests")
def hand_out_digests(*, session_ids: list[int], **_: Any) -> None:
    hand_out(session_ids)
