"""A decision that is sent after the log-in ended: nothing is decided, and nothing that was typed is lost."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import urlencode

from reviews.queue import Filters

View = Callable[..., HttpResponseBase]


def gives_back_what_was_typed(view: View) -> View:
    """Around `role_required`: whoever is signed out gets the own words back, and a log-in that leads to the proposal."""

    @wraps(view)
    def checked(request: HttpRequest, pk: int) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, pk)
        query = Filters.read(request.POST).query
        address = reverse("reviews:proposal_detail", args=[pk])
        address = f"{address}?{query}" if query else address
        typed = {name: request.POST.get(name, "") for name in ("reason", "path", "content")}
        if request.htmx or not (typed["reason"].strip() or request.POST.get("verdict") == "approve_with_edits"):
            return redirect_to_login(address)
        context = {
            "pk": pk,
            "typed": typed,
            "has_edit": request.POST.get("verdict") == "approve_with_edits",
            "login": f"{resolve_url('account_login')}?{urlencode({'next': address})}",
        }
        return render(request, "reviews/signed_out.html", context, status=HTTPStatus.FORBIDDEN)

    return checked
