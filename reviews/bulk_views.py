"""Picked proposals on one page: read each in full, then approve them with one reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from audit.roles import REVIEWER, ROLES, has_role, role_required
from memory.models import Proposal
from reviews.bulk import BadBulk, Item, approve_picked, check_picked, manifest_of, over_manifest, refusals
from reviews.presenters import seen_digest
from reviews.signing_forms import asked_of, request_of

MOST = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A picked proposal with the digest of exactly what the page shows of it."""

    proposal: Proposal
    digest: str
    quotes: int
    sessions: int


@require_GET
@role_required(*ROLES)
def bulk(request: HttpRequest) -> HttpResponse:
    return _page(request, _numbers(request.GET.getlist("pick")))


@require_POST
@role_required(REVIEWER)
def bulk_approve(request: HttpRequest) -> HttpResponse:
    """Answers with what became of each; sent again, each is refused as decided."""
    sent = [pair.partition(":") for pair in request.POST.getlist("item")]
    items = [Item(number, digest) for text, _, digest in sent for number in _numbers([text])]
    reason = request.POST.get("reason", "")[:4_000]
    try:
        outcomes = approve_picked(
            items=items,
            manifest=request.POST.get("manifest", ""),
            reason=reason,
            by=request.user,
            signing=request_of(request),
        )
    except BadBulk as refusal:
        return _page(request, [item.proposal for item in items], str(refusal), reason)
    context = {
        "outcomes": outcomes,
        "manifest": request.POST["manifest"],
        "approved": sum(outcome.result in ("approved", "held") for outcome in outcomes),
    }
    return render(request, "reviews/bulk_done.html", context)


def _page(request: HttpRequest, picked: Sequence[int], error: str = "", reason: str = "") -> HttpResponse:
    proposals = _proposals(picked)
    refused = refusals(proposals)
    left = [one for one in proposals if one.pk not in refused]
    problem = _problem(left)
    shown = [] if problem else [_shown(proposal) for proposal in left]
    manifest = manifest_of(Item(one.proposal.pk, one.digest) for one in shown)
    context = {
        "shown": shown,
        "manifest": manifest,
        "signing": asked_of(request, left[0].store, over_manifest(manifest)) if shown else None,
        "refused": [(one, refused[one.pk]) for one in proposals if one.pk in refused],
        "problem": problem,
        "error": error,
        "reason": reason,
        "store": left[0].store if left else None,
        "may_decide": has_role(request.user, REVIEWER),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK
    return render(request, "reviews/bulk.html", context, status=status)


def _problem(proposals: Sequence[Proposal]) -> str:
    try:
        check_picked(proposals)
    except BadBulk as refusal:
        return str(refusal)
    return ""


def _proposals(picked: Sequence[int]) -> list[Proposal]:
    rows = Proposal.objects.select_related("store").prefetch_related("evidence__session__agent")
    return list(rows.filter(pk__in=picked[:MOST]).order_by("-benefit", "-pk"))


def _shown(proposal: Proposal) -> Shown:
    evidence = list(proposal.evidence.all())
    sessions = len({row.session_id for row in evidence})
    return Shown(proposal, seen_digest(proposal, evidence), len(evidence), sessions)


def _numbers(texts: Sequence[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19]
