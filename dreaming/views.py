"""Dreams in the browser: the list, one dream, looking ahead, starting and canceling."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseStopPolling

from audit.actors import Actor
from audit.roles import ADMIN, ROLES, has_role, role_required
from dreaming.engines import missing_for
from dreaming.engines.base import EngineFailed
from dreaming.forms import DreamForm
from dreaming.models import Dream, Engine
from dreaming.outlook import Outlook, look_ahead, was_shown
from dreaming.passes import dream_ref
from dreaming.services import DreamRefused, cancel_dream, enqueue, request_dream
from dreaming.supports import bars_of, compared_p
from memory.models import MemoryStore, Proposal

PAGE = 50


@require_GET
@role_required(*ROLES)
def dreams(request: HttpRequest) -> HttpResponse:
    return _dreams_page(request, DreamForm(initial={"store": MemoryStore.objects.first(), "window": "all"}))


@require_POST
@role_required(ADMIN)
def start_dream(request: HttpRequest) -> HttpResponse:
    """Start a dream. One that a model is paid for is started only after its estimate was shown."""
    form = DreamForm(request.POST)
    if form.is_valid() and form.instance.engine == Engine.CLAUDE and not _was_shown(request, form):
        return _dreams_page(request, form, _look_ahead(form), status=422, not_started=True)
    if form.is_valid():
        try:
            dream = request_dream(actor=Actor.user(request.user), **form.cleaned_data)
        except DreamRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            enqueue(dream)
            return redirect("dreaming:dream_detail", dream.pk)
    return _dreams_page(request, form, status=422)


def _was_shown(request: HttpRequest, form: DreamForm) -> bool:
    return was_shown(form.instance, token=request.POST.get("shown", ""), confirmed="confirmed" in request.POST)


@require_POST
@role_required(ADMIN)
def estimate(request: HttpRequest) -> HttpResponse:
    form = DreamForm(request.POST)
    outlook = _look_ahead(form) if form.is_valid() else None
    status = 200 if outlook else 422
    if request.htmx:
        return render(request, "dreaming/_estimate.html", {"form": form, "outlook": outlook}, status=status)
    return _dreams_page(request, form, outlook, status=status)


def _look_ahead(form: DreamForm) -> Outlook | None:
    """What the form's dream would read and cost; none, with the reason on the form, when that cannot be said."""
    try:
        return look_ahead(form.instance)
    except (DreamRefused, EngineFailed) as refusal:
        form.add_error(None, str(refusal))
        return None


def _dreams_page(
    request: HttpRequest,
    form: DreamForm,
    outlook: Outlook | None = None,
    status: int = 200,
    *,
    not_started: bool = False,
) -> HttpResponse:
    rows = Dream.objects.select_related("store").with_counts().order_by("-pk")
    if before := request.GET.get("before", ""):
        rows = rows.filter(pk__lt=int(before)) if before.isdecimal() else rows
    shown = list(rows[: PAGE + 1])
    context = {
        "dreams": shown[:PAGE],
        "next_before": shown[PAGE - 1].pk if len(shown) > PAGE else None,
        "form": form,
        "outlook": outlook,
        "not_started": not_started,
        "may_start": has_role(request.user, ADMIN),
        "stores": MemoryStore.objects.all(),
        "no_model": missing_for(Engine.CLAUDE),
    }
    return render(request, "dreaming/dreams.html", context, status=status)


@require_GET
@role_required(*ROLES)
def dream_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "dreaming/dream_detail.html", _dream_context(request, pk))


@require_GET
@role_required(*ROLES)
def dream_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment that a running dream's page polls; once the dream has ended, the whole page is asked for anew."""
    context = _dream_context(request, pk)
    if context["dream"].is_unfinished:
        return render(request, "dreaming/_progress.html", context)
    return HttpResponseStopPolling(headers={"HX-Refresh": "true"})


def _dream_context(request: HttpRequest, pk: int) -> dict[str, object]:
    dream = get_object_or_404(Dream.objects.select_related("store"), pk=pk)
    supports = ((finding, finding.data.get("support", {})) for finding in dream.findings.select_related("proposal"))
    findings = [(finding, bars_of(support), compared_p(support)) for finding, support in supports]
    return {
        "dream": dream,
        "report": dream.manifest.get("readiness"),
        "proposed": [row for row in findings if row[0].proposal],
        "discarded": [row for row in findings if not row[0].proposal],
        "filed": Proposal.objects.filter(source_ref=dream_ref(dream)).count() if dream.is_unfinished else 0,
        "may_cancel": has_role(request.user, ADMIN) and dream.is_unfinished,
    }


@require_POST
@role_required(ADMIN)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    dream = get_object_or_404(Dream.objects.select_related("store"), pk=pk)
    if cancel_dream(dream=dream, actor=Actor.user(request.user)):
        messages.success(request, "The dream was canceled. What it had proposed stays.")
    else:
        messages.info(request, "The dream had ended already.")
    return redirect("dreaming:dream_detail", pk)
