"""One's own signing: what it needs, what one signed lately, and a password to sign with for who logs in elsewhere."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from audit.roles import REVIEWER, role_required
from reviews.ballots import NotSigned
from reviews.models import Signature
from reviews.signing import has_own_secret, lacks
from reviews.signing_forms import request_of
from reviews.signing_password import BadPassword, set_signing_password

SHOWN = 20


@require_GET
@role_required(REVIEWER)
def signing(request: HttpRequest) -> HttpResponse:
    return _page(request)


@sensitive_post_parameters("new_password", "sign_password", "sign_code")
@require_POST
@role_required(REVIEWER)
def set_password(request: HttpRequest) -> HttpResponse:
    try:
        set_signing_password(
            user=request.user, password=request.POST.get("new_password", ""), request=request_of(request)
        )
    except (NotSigned, BadPassword) as refusal:
        return _page(request, str(refusal), HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, "That is your signing password now. It opens no log-in.")
    return redirect("reviews:signing")


def _page(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    user = request.user
    context = {
        "lacks": lacks(user),
        "logs_in_elsewhere": not user.has_usable_password(),
        "has_own": has_own_secret(user),
        "signatures": Signature.objects.filter(signer_id=user.pk).select_related("proposal").order_by("-pk")[:SHOWN],
        "error": error,
    }
    return render(request, "reviews/signing.html", context, status=status)
