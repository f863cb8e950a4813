"""Working together on a proposal: what changed while it was open, comments, whose turn it is, and taking things back."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from audit.roles import REVIEWER, ROLES, has_role, role_required
from memory.models import Proposal
from memory.paths import InvalidMemory
from memory.services import Refused
from reviews import changes, claiming, commenting, holding, together, undoing
from reviews.ballots import DecisionRefused, NotAllowed
from reviews.models import Decision, HeldBallot, Mention
from reviews.queue import Filters, next_open
from reviews.standing import standing_of
from reviews.told import changes as changes_since

MENTIONS_SHOWN = 50


@require_GET
@role_required(*ROLES)
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """What changed since the page was opened; asked every few seconds, which also keeps the reader's claim."""
    if has_role(request.user, REVIEWER):
        claiming.claim(proposal_id=pk, by=request.user)
    standing = standing_of(pk)
    if standing is None:
        raise Http404
    told = changes_since(standing, request.GET, request.user)
    context = {
        "standing": standing,
        "told": told,
        "blocks": any(change.blocks for change in told),
        "filters": Filters.read(request.GET),
        "takes_part": has_role(request.user, REVIEWER),
    }
    return render(request, "reviews/_state.html", context)


@require_POST
@role_required(REVIEWER)
def take_over(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Proposal, pk=pk)
    claiming.take_over(proposal_id=pk, by=request.user)
    return _back(request, pk)


@require_POST
@role_required(REVIEWER)
def release(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Proposal, pk=pk)
    claiming.release(proposal_id=pk, by=request.user)
    return redirect("reviews:queue")


@require_POST
@role_required(REVIEWER)
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    def act() -> str:
        said = commenting.comment(proposal_id=pk, author=request.user, body=_typed(request, "body"))
        if said.unknown:
            names = ", ".join(f"@{name}" for name in said.unknown)
            messages.warning(request, f"Nobody here is called {names}; the comment stands, but called nobody by that.")
        return "Your comment stands beside it."

    return _acted(request, pk, act, "#together")


@require_GET
@role_required(*ROLES)
def mentions(request: HttpRequest) -> HttpResponse:
    """Who called the reader where, newest first; the unseen are marked."""
    mine = Mention.objects.filter(user_id=request.user.pk).select_related("comment__proposal__store")
    return render(request, "reviews/mentions.html", {"mentions": mine.order_by("-id")[:MENTIONS_SHOWN]})


@require_POST
@role_required(REVIEWER)
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """To a colleague or to oneself; to nobody in particular when none is named."""

    def act() -> str:
        name = request.POST.get("to", "")
        if not name:
            together.unassign(proposal_id=pk, by=request.user)
            return "It is anybody's turn again."
        to = User.objects.filter(username=name).first()
        if to is None:
            raise together.NotDone("There is no such reviewer.")
        together.assign(proposal_id=pk, to=to, by=request.user)
        return "It is your turn now." if to == request.user else f"It is {to.username}'s turn now."

    return _acted(request, pk, act)


@require_POST
@role_required(REVIEWER)
def escalate(request: HttpRequest, pk: int) -> HttpResponse:
    def act() -> str:
        together.escalate(proposal_id=pk, by=request.user, reason=_typed(request, "reason"))
        return "Escalated: two people are asked for from now on."

    return _acted(request, pk, act)


@require_POST
@role_required(REVIEWER)
def ask_for_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Back to the writer; then on to the next proposal."""

    def act() -> str:
        changes.ask_for_changes(proposal_id=pk, by=request.user, note=_typed(request, "note"))
        return f"prop_{pk} waits for a newer wording."

    proposal = get_object_or_404(Proposal, pk=pk)
    filters = Filters.read(request.GET)
    return _acted(request, pk, act, leads_to=next_open(proposal, filters, request.user))


@require_POST
@role_required(REVIEWER)
def withdraw_request(request: HttpRequest, pk: int) -> HttpResponse:
    def act() -> str:
        changes.withdraw_request(proposal_id=pk, by=request.user)
        return "The request is withdrawn: it can be decided as it is."

    return _acted(request, pk, act)


@require_POST
@role_required(REVIEWER)
def reword(request: HttpRequest, pk: int) -> HttpResponse:
    def act() -> Proposal:
        content, path = _typed(request, "content"), request.POST.get("path", "").strip()
        return changes.reword(proposal_id=pk, by=request.user, content=content, path=path)

    return _filed(request, pk, act, "{} is your wording, with the same evidence.")


@require_POST
@role_required(REVIEWER)
def revert(request: HttpRequest, pk: int) -> HttpResponse:
    decision = get_object_or_404(Decision, proposal_id=pk)
    return _filed(
        request,
        pk,
        lambda: undoing.revert(decision_id=decision.pk, by=request.user, why=_typed(request, "why")),
        "{} takes it back once it is approved. History is never edited.",
    )


@require_POST
@role_required(REVIEWER)
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    return _filed(
        request,
        pk,
        lambda: undoing.reopen(proposal_id=pk, by=request.user, why=_typed(request, "why")),
        "{} brings it back for a new decision. The rejection stays in the record.",
    )


@require_POST
@role_required(REVIEWER)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a decision back that is held; `pk` is the held ballot's."""
    held = get_object_or_404(HeldBallot, pk=pk)

    def act() -> str:
        holding.undo(held_id=pk, by=request.user)
        return "Taken back: nothing took effect, and it waits for a decision again."

    return _acted(request, held.proposal_id, act)


@require_POST
@role_required(REVIEWER)
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """The reader knows now why the decision did not take effect."""
    held = get_object_or_404(HeldBallot, pk=pk)
    holding.dismiss(held_id=pk, by=request.user)
    return redirect("reviews:proposal_detail", held.proposal_id)


def _typed(request: HttpRequest, name: str) -> str:
    text: str = request.POST.get(name, "")
    return text.replace("\r\n", "\n")


def _acted(
    request: HttpRequest, pk: int, act: Callable[[], str], anchor: str = "", leads_to: int | None = None
) -> HttpResponse:
    """Do it, say so, and go on; or say why not, and give back what was typed."""
    result = _tried(request, pk, act)
    if isinstance(result, HttpResponse):
        return result
    messages.success(request, result)
    return _back(request, leads_to or pk, anchor)


def _filed(request: HttpRequest, pk: int, act: Callable[[], Proposal], said: str) -> HttpResponse:
    """The same for what leads to a new proposal."""
    result = _tried(request, pk, act)
    if isinstance(result, HttpResponse):
        return result
    messages.success(request, said.format(result.public_id))
    return redirect("reviews:proposal_detail", result.pk)


def _tried(request: HttpRequest, pk: int, act: Callable[[], Any]) -> Any:
    proposal = get_object_or_404(Proposal.objects.select_related("store"), pk=pk)
    try:
        return act()
    except (together.NotDone, DecisionRefused, Refused, InvalidMemory) as refusal:
        typed = next(
            (text for name in ("body", "note", "reason", "why", "content") if (text := _typed(request, name))), ""
        )
        status = HTTPStatus.FORBIDDEN if isinstance(refusal, NotAllowed) else HTTPStatus.CONFLICT
        context = {"proposal": proposal, "refusal": refusal, "typed": typed}
        return render(request, "reviews/not_done.html", context, status=status)


def _back(request: HttpRequest, pk: int, anchor: str = "") -> HttpResponse:
    """To the proposal, in the queue that the reader came from."""
    query = Filters.read(request.GET).query
    address = reverse("reviews:proposal_detail", args=[pk])
    return redirect(f"{address}{'?' if query else ''}{query}{anchor}")
