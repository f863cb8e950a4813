"""The desk: the queue, one proposal, and deciding it."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from audit.roles import REVIEWER, ROLES, has_role, role_required
from dreaming.models import Dream
from memory.models import MAX_CONTENT_BYTES, MemoryStore, Proposal
from memory.paths import InvalidMemory, check_content, check_path
from memory.scanning import EXPLANATIONS, scan
from memory.services import Refused
from reviews import ageing, ages, outcomes, presenters, reading, snoozing
from reviews import queue as queues
from reviews.ballots import BadDecision, DecisionRefused, DigestMismatch, NotAllowed
from reviews.beside import beside
from reviews.blind import uncovered
from reviews.bulk import mark_pickable
from reviews.claiming import claim
from reviews.commenting import see_mentions
from reviews.evidence_reviewing import waiting as evidence_reviews_waiting
from reviews.forms import BallotForm
from reviews.holding import cast, over_proposal
from reviews.models import Decision, HeldBallot, Reading, SavedView
from reviews.queue import Filters
from reviews.reasons import REASONS
from reviews.rebasing import MergeConflict, rebase
from reviews.refusals import what_changed
from reviews.signed_out import gives_back_what_was_typed
from reviews.signing_forms import Asked, asked_of, request_of
from reviews.watching import over_look
from sessions.models import Agent


@require_GET
@role_required(*ROLES)
@vary_on_headers("HX-Request")
def queue(request: HttpRequest) -> HttpResponse:
    filters = Filters.read(request.GET)
    page = queues.page(filters, request.user, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    tabs = queues.tabs_for(request.user)
    context = {
        "filters": filters,
        "rows": queues.rows_of(page, filters, request.user),
        "page": page,
        "can_pick": filters.tab == "open" and has_role(request.user, REVIEWER) and mark_pickable(page.rows),
        "tabs": tabs,
        "tab_label": tabs.get(filters.tab, tabs["open"]),
        "stale_count": queues.stale_count(),
        "evidence_review_count": evidence_reviews_waiting().count(),
        "matching": queues.counted(queues.bounded_count(queues.matching(filters, request.user)))
        if filters.narrows
        else "",
        "has_any": bool(page.rows) or Proposal.objects.exists(),
        "has_open": bool(page.rows) or Proposal.objects.open().exists(),
        "stores": MemoryStore.objects.values_list("name", flat=True),
        "agents": Agent.objects.values_list("slug", flat=True),
        "kinds": Proposal.Kind.choices,
        "operations": Proposal.Operation.choices,
        "flags": list(EXPLANATIONS),
        "held_back": reading.held_back(page.rows, request.user) if has_role(request.user, REVIEWER) else (),
        "ages": ages.AGES,
        "sorts": queues.SORTS,
        "saved_views": list(SavedView.objects.filter(user=request.user)),
        "last_dream": Dream.objects.filter(status="completed").select_related("store").first(),
    }
    swapped = request.htmx and request.htmx.target == "queue"
    return render(request, "reviews/_queue.html" if swapped else "reviews/queue.html", context)


@require_GET
@role_required(*ROLES)
def proposal_detail(request: HttpRequest, pk: int) -> HttpResponse:
    proposal = _proposal(pk)
    begun = None if _is_prefetch(request) else _opened(proposal, request.user)
    response = _proposal_page(request, proposal, Filters.read(request.GET), begun=begun)
    response["Speculation-Rules"] = f'"{reverse("reviews:speculation")}"'
    return response


def _is_prefetch(request: HttpRequest) -> bool:
    return "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))


@transaction.atomic
def _opened(proposal: Proposal, reader: User) -> Reading | None:
    """Somebody looks at it: colleagues are told, so are those who called them, and the reading begins.

    No page waits for the disk for that: a reading that a crash loses begins at the next look.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
    see_mentions(proposal_id=proposal.pk, user=reader)
    if has_role(reader, REVIEWER):
        claim(proposal_id=proposal.pk, by=reader)
        if proposal.is_open:
            return reading.open_reading(proposal, reader)
    return None


def _proposal(pk: int) -> Proposal:
    rows = Proposal.objects.select_related(
        "store", "base_version__memory__head", "decision__version", "decision__signature", "decision__waiver__answer"
    )
    return get_object_or_404(rows, pk=pk)


def _proposal_page(
    request: HttpRequest,
    proposal: Proposal,
    filters: Filters,
    form: BallotForm | None = None,
    error: str = "",
    status: int = 200,
    begun: Reading | None = None,
) -> HttpResponse:
    """The page; with what was typed and why it was not taken when `form` and `error` are given."""
    evidence = presenters.evidence_of(proposal)
    digest = presenters.seen_digest(proposal, evidence)
    typed = form.data if form else {}
    may_decide = proposal.is_open and has_role(request.user, REVIEWER)
    context = {
        "proposal": proposal,
        "filters": filters,
        "evidence": presenters.by_stance(evidence),
        "digest": digest,
        "seen": presenters.fingerprint(proposal, evidence),
        "is_intact": digest == proposal.digest or proposal.is_erased or any(quote.is_erased for quote in evidence),
        "numbers": presenters.numbers_of(proposal.support),
        "weeks": presenters.weeks_of(proposal.support, evidence),
        "change": presenters.change_of(proposal),
        "published": presenters.published_change(proposal),
        "near": presenters.near(proposal),
        "readers": list(presenters.readers_of(proposal)),
        "history": list(uncovered(presenters.history_of(proposal), request.user)),
        "dream": _dream(proposal),
        "place": queues.place_of(proposal, filters, request.user),
        "age": ageing.age_of(proposal),
        "may_decide": may_decide,
        "is_blind": may_decide and _is_blind(proposal, request.user, begun),
        "may_rebase": proposal.status == Proposal.Status.STALE and has_role(request.user, REVIEWER),
        "has_edit": bool(form) and form.has_edit(proposal),
        "draft_text": typed.get("content", presenters.proposed_text(proposal)),
        "draft_path": typed.get("path", proposal.new_path or proposal.path),
        "typed": typed,
        "error": error,
        "max_bytes": MAX_CONTENT_BYTES,
        "reasons": REASONS,
        "snoozed": snoozing.snooze_of(proposal, request.user),
        "snooze_spans": snoozing.SPANS,
        "signing": asked_of(request, proposal.store, over_proposal(proposal.pk, digest)) if may_decide else None,
        "look_signing": _look_signing(request, proposal),
        **beside(proposal, request.user),
    }
    return render(request, "reviews/proposal_detail.html", context, status=status)


def _is_blind(proposal: Proposal, reader: User, begun: Reading | None) -> bool:
    return begun.holds_back if begun else proposal.pk in reading.held_back([proposal], reader)


def _look_signing(request: HttpRequest, proposal: Proposal) -> Asked | None:
    """For a decision of the policy, which can be reversed from its page."""
    decision = getattr(proposal, "decision", None)
    if decision is None or decision.decider_kind != Decision.DeciderKind.POLICY:
        return None
    return asked_of(request, proposal.store, over_look(decision.pk))


def _dream(proposal: Proposal) -> Dream | None:
    """The dream that made the proposal, when one did."""
    name, _, number = proposal.source_ref.partition(":")
    return (
        Dream.objects.filter(pk=int(number)).first()
        if name == "dream" and number.isdecimal() and len(number) < 19
        else None
    )


@require_POST
@gives_back_what_was_typed
@role_required(REVIEWER)
def decide_proposal(request: HttpRequest, pk: int) -> HttpResponse:
    proposal, filters, form = _proposal(pk), Filters.read(request.POST), BallotForm(request.POST)
    try:
        decided = cast(proposal_id=pk, decider=request.user, ballot=form.ballot(proposal), signed=request_of(request))
    except Proposal.DoesNotExist as error:
        raise Http404 from error
    except BadDecision as refusal:
        return _proposal_page(request, proposal, filters, form, str(refusal), HTTPStatus.UNPROCESSABLE_ENTITY)
    except DecisionRefused as refusal:
        return _refused_page(request, pk, filters, form, refusal)
    if not isinstance(decided, HeldBallot):  # the bar on every page tells of it, as long as it can be taken back
        messages.success(request, outcomes.told(decided), extra_tags="decided")
    reading.note_decided(proposal, request.user)
    return on_to_the_next(request, proposal, filters)


def on_to_the_next(request: HttpRequest, proposal: Proposal, filters: Filters) -> HttpResponse:
    """To the next one that needs the reader; to the queue when there is none."""
    following = queues.next_open(proposal, filters, request.user)
    address = reverse("reviews:proposal_detail", args=[following]) if following else reverse("reviews:queue")
    answer = redirect(f"{address}?{filters.query}" if filters.query else address)
    # What was fetched ahead does not know yet what was just done: its message, and the way to take it back.
    answer["Clear-Site-Data"] = '"prefetchCache"'
    return answer


def _refused_page(
    request: HttpRequest, pk: int, filters: Filters, form: BallotForm, refusal: DecisionRefused
) -> HttpResponse:
    """Says what changed, who did it and what to do next, and gives back what was typed."""
    proposal = _proposal(pk)
    evidence = presenters.evidence_of(proposal)
    context = {
        "proposal": proposal,
        "filters": filters,
        "refusal": refusal,
        "is_mismatch": isinstance(refusal, DigestMismatch),
        "is_forbidden": isinstance(refusal, NotAllowed),
        "parts": presenters.changed_parts(form.data.get("seen", ""), proposal, evidence),
        "digest": presenters.seen_digest(proposal, evidence),
        "changed": what_changed(proposal, refusal, request.user.pk),
        "has_edit": form.has_edit(proposal),
        "typed": form.data,
        "following": queues.next_open(proposal, filters, request.user),
    }
    status = HTTPStatus.FORBIDDEN if isinstance(refusal, NotAllowed) else HTTPStatus.CONFLICT
    return render(request, "reviews/refused.html", context, status=status)


@require_POST
@role_required(REVIEWER)
def rebase_proposal(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a stale proposal forward again, on what is live now; in the reviewer's words, where `content` gives them."""
    wording = request.POST.get("content")
    wording = None if wording is None else wording.replace("\r\n", "\n")
    stale = _proposal(pk)
    try:
        rebased = rebase(proposal_id=pk, by=request.user, wording=wording)
    except MergeConflict as conflict:
        return _conflict_page(request, stale, conflict.merged.text, str(conflict), HTTPStatus.CONFLICT)
    except (Refused, InvalidMemory) as refusal:
        if wording is not None and presenters.moved_base(stale):
            return _conflict_page(request, stale, wording, str(refusal), HTTPStatus.UNPROCESSABLE_ENTITY)
        messages.error(request, f"It could not be rebased. {refusal}")
        return redirect("reviews:proposal_detail", pk)
    messages.success(request, f"{rebased.public_id} says the same about what is live now. Read it before you decide.")
    return redirect("reviews:proposal_detail", rebased.pk)


def _conflict_page(request: HttpRequest, stale: Proposal, draft: str, why: str, status: int) -> HttpResponse:
    """Both sides of a rebase that no machine can merge, and a place to word it."""
    context = {
        "proposal": stale,
        "why": why,
        "moved": presenters.moved_base(stale),
        "change": presenters.change_of(stale),
        "draft_text": draft,
    }
    return render(request, "reviews/rebase.html", context, status=status)


@require_POST
@role_required(REVIEWER)
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What an edit would change, while it is typed. Nothing is kept."""
    proposal, form = _proposal(pk), BallotForm(request.POST)
    content = form.data.get("content", "").replace("\r\n", "\n")
    path = form.data.get("path", "").strip()
    problem = ""
    try:
        check_path(path)
        check_content(content)
    except InvalidMemory as error:
        problem = str(error)
    base = proposal.base_version.content if proposal.base_version else ""
    small = len(content) <= MAX_CONTENT_BYTES
    context = {
        "change": presenters.change_between(proposal.path, base, path, content) if small else None,
        "problem": problem,
        "flags": scan(path, content) if small else [],
        "size": len(content.encode(errors="replace")),
        "max_bytes": MAX_CONTENT_BYTES,
        "has_edit": form.has_edit(proposal),
    }
    return render(request, "reviews/_preview.html", context)
