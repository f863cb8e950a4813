"""Quality of review for leads, and one's own reading for oneself. Nobody is shown beside anybody."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from audit.roles import ADMIN, AUDITOR, REVIEWER, has_role, role_required
from memory.models import MemoryStore
from reviews import quality as figures

DEFAULT_DAYS = 90


@require_GET
@role_required(ADMIN, AUDITOR)
def quality(request: HttpRequest) -> HttpResponse:
    context = _context(figures.Scope(*_chosen(request)))
    return render(request, "reviews/quality.html", context | {"may_plant": has_role(request.user, ADMIN)})


@require_GET
@role_required(REVIEWER)
def my_reading(request: HttpRequest) -> HttpResponse:
    context = _context(figures.Scope(*_chosen(request), user=request.user))
    return render(request, "reviews/quality.html", context | {"is_mine": True})


def _chosen(request: HttpRequest) -> tuple[int, MemoryStore | None]:
    days = request.GET.get("days", "")
    known = days in {str(period) for period in figures.PERIODS}
    return int(days) if known else DEFAULT_DAYS, MemoryStore.objects.filter(name=request.GET.get("store", "")).first()


def _context(scope: figures.Scope) -> dict[str, Any]:
    return {
        "scope": scope,
        "quality": figures.quality(scope),
        "periods": figures.PERIODS,
        "stores": MemoryStore.objects.values_list("name", flat=True),
    }
