"""The daily digest of what waits in a store: to each address, and to the webhook, once a day."""

from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from memory.models import MemoryStore, Proposal
from reviews.ageing import EXPIRES_SOON, late
from reviews.digest_texts import Line, StoreDigest, as_mail, as_slack
from reviews.models import Assignment, Gating, Reminder, ReviewSettings, SecondLook, Waiver
from reviews.webhooks import NotDelivered, post_json

LONGEST = 5
ATTEMPTS = 4
# A reminder that is being sent for longer than this was left behind by a worker that died.
ABANDONED = timedelta(minutes=10)

State, Channel = Reminder.State, Reminder.Channel


def send_due() -> int:
    """Send today's digests (days of UTC) that were not sent yet; returns how many went out.

    What fails is tried again by the next runs of the day, `ATTEMPTS` times in all.
    """
    today = timezone.now().date()
    return sum(_remind(one, today) for one in ReviewSettings.objects.select_related("store").order_by("store"))


def _remind(chosen: ReviewSettings, today: date) -> int:
    recipients = _recipients(chosen)
    if not recipients:
        return 0
    digest = store_digest(chosen)
    state = State.WAITING if digest else State.EMPTY
    Reminder.objects.bulk_create(
        [
            Reminder(store=chosen.store, day=today, channel=channel, recipient=recipient, state=state)
            for channel, recipient in recipients
        ],
        ignore_conflicts=True,
    )
    if not digest:
        return 0
    sent = 0
    for channel, recipient in recipients:
        row = Reminder.objects.get(store=chosen.store, day=today, channel=channel, recipient=recipient)
        if _claim(row):
            sent += _send(row, chosen, digest)
    return sent


def _recipients(chosen: ReviewSettings) -> list[tuple[str, str]]:
    mail = chosen.remind_by_mail.split() if can_mail() else []
    webhook = [(Channel.WEBHOOK.value, "")] if chosen.webhook_url else []
    return [*((Channel.MAIL.value, address) for address in mail), *webhook]


def can_mail() -> bool:
    """Whether the deployment names a mail server."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def _claim(row: Reminder) -> bool:
    """Take the reminder, unless it was sent, is in other hands, or failed too often."""
    abandoned = Q(state=State.SENDING, changed_at__lt=Now() - ABANDONED)
    free = Reminder.objects.filter(abandoned | Q(state__in=[State.WAITING, State.FAILED]), attempts__lt=ATTEMPTS)
    mine = free.filter(pk=row.pk, attempts=row.attempts)
    return bool(mine.update(state=State.SENDING, attempts=row.attempts + 1, changed_at=Now()))


def _send(row: Reminder, chosen: ReviewSettings, digest: StoreDigest) -> bool:
    try:
        if row.channel == Channel.MAIL:
            _mail(digest, row.recipient, chosen.store)
        else:
            post_json(chosen.webhook_url, as_slack(digest))
    except (NotDelivered, OSError) as error:  # smtplib's errors are OSErrors
        state, reason = State.FAILED, str(error)[:500]
    else:
        state, reason = State.SENT, ""
    Reminder.objects.filter(pk=row.pk).update(state=state, error=reason, changed_at=Now())
    return state == State.SENT


def _mail(digest: StoreDigest, address: str, store: MemoryStore) -> None:
    subject, text = as_mail(digest, assigned=_assigned(address, store))
    EmailMessage(subject, text, to=[address], headers={"Auto-Submitted": "auto-generated"}).send()


def _assigned(address: str, store: MemoryStore) -> int:
    """How many proposals wait for the reviewer with this address."""
    mine = Assignment.objects.filter(proposal__store=store, proposal__status=Proposal.Status.OPEN)
    return mine.filter(assignee__email__iexact=address, assignee__is_active=True).count()


def store_digest(chosen: ReviewSettings, now: datetime | None = None) -> StoreDigest:
    """What waits in the store now."""
    now, store = now or timezone.now(), chosen.store
    waiting = Proposal.objects.open().filter(store=store)
    expiring = waiting.filter(created_at__lt=now + EXPIRES_SOON - timedelta(days=chosen.expires_after_days))
    gatings = Gating.objects.filter(store=store, at__gte=now - timedelta(days=1))
    alone = Waiver.objects.filter(decision__proposal__store=store)
    return StoreDigest(
        store=store.name,
        url=f"{settings.DAYLIGHT_BASE_URL}{reverse('reviews:queue')}?{urlencode({'store': store.name})}",
        waiting=waiting.count(),
        flagged=waiting.exclude(risk=[]).count(),
        late=late(store, chosen).count(),
        target_hours=chosen.target_hours,
        expiring=expiring.count(),
        second_looks=SecondLook.objects.filter(state=SecondLook.State.WAITING, decision__proposal__store=store).count(),
        published_alone=alone.waiting().count(),
        alone_overdue=alone.overdue().count(),
        stopped=store.stopped_at is not None,
        gated=tuple(sorted({slug for gating in gatings for slug in gating.agents})),
        longest=tuple(_line(row, now) for row in waiting.order_by("created_at", "pk")[:LONGEST]),
    )


def _line(proposal: Proposal, now: datetime) -> Line:
    return Line(
        public_id=proposal.public_id,
        url=f"{settings.DAYLIGHT_BASE_URL}{reverse('reviews:proposal_detail', args=[proposal.pk])}",
        days=(now - proposal.created_at).days,
        flagged=bool(proposal.risk),
        title=proposal.title,
    )
