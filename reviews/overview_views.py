"""The overview: drawn, with the numbers beside."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from audit.roles import ADMIN, AUDITOR, REVIEWER, ROLES, has_role, role_required
from reviews import overview as figures
from reviews.evidence_reviewing import waiting

DEFAULT_DAYS = 30


@require_GET
@role_required(*ROLES)
@vary_on_headers("HX-Request")
def overview(request: HttpRequest) -> HttpResponse:
    chosen = request.GET.get("days", "")
    days = int(chosen) if chosen in {str(period) for period in figures.PERIODS} else DEFAULT_DAYS
    period = figures.Period.of(days)
    context = {
        "days": days,
        "periods": figures.PERIODS,
        "signal": figures.signal(period),
        "ageing": figures.ageing(),
        "decisions": figures.decisions(period),
        "growth": figures.growth(period),
        "passes": figures.passes(period),
        "stores": figures.live_where(),
        "evidence_review_count": waiting().count(),
        "is_lead": has_role(request.user, ADMIN, AUDITOR),
        "may_decide": has_role(request.user, REVIEWER),
    }
    return render(request, "reviews/_overview.html" if request.htmx else "reviews/overview.html", context)
