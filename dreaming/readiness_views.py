"""What a store's sessions can teach, now and as of each dream."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from audit.roles import ROLES, role_required
from dreaming.charts import Bar, columns_of
from dreaming.models import Dream
from dreaming.readiness import example_session, report_on
from memory.models import MemoryStore


@require_GET
@role_required(*ROLES)
def store_readiness(request: HttpRequest, name: str) -> HttpResponse:
    store = get_object_or_404(MemoryStore, name=name)
    return _page(request, store, report_on(store.sessions()))


@require_GET
@role_required(*ROLES)
def dream_readiness(request: HttpRequest, pk: int) -> HttpResponse:
    """The report as the pass left it in its manifest; a pass that has not ended, or ended badly, has none."""
    dream = get_object_or_404(Dream.objects.select_related("store"), pk=pk)
    return _page(request, dream.store, dream.manifest.get("readiness", {}), dream)


def _page(request: HttpRequest, store: MemoryStore, report: dict[str, Any], dream: Dream | None = None) -> HttpResponse:
    agent = store.agents.values_list("slug", flat=True).first() or "my-agent"
    context = {
        "store": store,
        "dream": dream,
        "report": report,
        "example": _one_a_line(example_session(agent)),
        "api": request.build_absolute_uri("/api/v1/sessions"),
        **(_charts(report) if report.get("sessions") else {}),
    }
    return render(request, "dreaming/readiness.html", context)


def _charts(report: dict[str, Any]) -> dict[str, Any]:
    known, sessions = report["with_outcome"], report["sessions"]
    return {
        "outcomes": [Bar("say how they ended", known, sessions)],
        "sources": [Bar(name, count, known) for name, count in report["sources"]["shown"]],
        "columns": columns_of(report["score_bins"]),
        "labels": [
            Bar("name their task", report["with_task"], sessions),
            Bar("say for whom they ran", report["with_principal"], sessions),
        ],
        "advice": [
            (item, json.dumps(item["example"], ensure_ascii=False) if item["example"] else "")
            for item in report["advice"]
        ],
    }


def _one_a_line(session: dict[str, Any]) -> str:
    """The session as JSON with each field, and each event, on a line of its own."""
    fields = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in session.items() if name != "events"]
    events = ",\n".join(f"    {json.dumps(event)}" for event in session["events"])
    return "{\n" + ",\n".join([*fields, f'  "events": [\n{events}\n  ]']) + "\n}"
