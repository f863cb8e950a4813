"""Sessions that came in are handed to the workers, so that their digests are there before a pass asks for them; and a
log-in with a start password is remembered as one.
"""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from audit.accounts import has_start_password
from dreaming.fanout import hand_out
from dreaming.middleware import START_PASSWORD
from sessions.signals import sessions_added


@receiver(sessions_added, dispatch_uid="dreaming.hand_out_digests")
def hand_out_digests(*, session_ids: list[int], **_: Any) -> None:
    hand_out(session_ids)


@receiver(user_logged_in, dispatch_uid="dreaming.note_start_password")
def note_start_password(*, request: HttpRequest, user: User, **_: Any) -> None:
    if has_start_password(user):
        request.session[START_PASSWORD] = True
