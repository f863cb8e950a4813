"""How a store is reviewed: read by everybody, set by admins."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit.actors import Actor
from audit.models import Entry
from audit.roles import ADMIN, ROLES, has_role, role_required
from memory.agents import SettingsMoved
from memory.models import MemoryStore
from reviews.models import Reminder, ReviewSettings
from reviews.reminders import can_mail
from reviews.review_settings import save_review_settings, settings_digest
from reviews.settings_forms import ReviewSettingsForm


@require_GET
@role_required(*ROLES)
def review_settings(request: HttpRequest, name: str) -> HttpResponse:
    store = get_object_or_404(MemoryStore, name=name)
    return _page(request, store, ReviewSettingsForm(instance=ReviewSettings.of(store)))


@require_POST
@role_required(ADMIN)
def change_review_settings(request: HttpRequest, name: str) -> HttpResponse:
    store = get_object_or_404(MemoryStore, name=name)
    form = ReviewSettingsForm(request.POST, instance=ReviewSettings.of(store))
    if not form.is_valid():
        return _page(request, store, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        waits = save_review_settings(
            settings=form.instance, actor=Actor.user(request.user), seen=request.POST.get("seen", "")
        )
    except SettingsMoved as moved:
        messages.error(request, str(moved))
        return _page(request, store, ReviewSettingsForm(instance=ReviewSettings.of(store)), HTTPStatus.CONFLICT)
    if waits:
        messages.warning(request, f"{' '.join(waits.looser)} That waits for another admin; everything else is saved.")
        return redirect("reviews:policy_changes")
    messages.success(request, f"Saved. This is how {store.name} is reviewed from now on.")
    return redirect("reviews:review_settings", name)


def _page(request: HttpRequest, store: MemoryStore, form: ReviewSettingsForm, status: int = 200) -> HttpResponse:
    kept = ReviewSettings.of(store)
    context = {
        "store": store,
        "form": form,
        "kept": kept,
        "seen": settings_digest(kept),
        "reminders": Reminder.objects.filter(store=store).order_by("-pk")[:10],
        "can_mail": can_mail(),
        "may_change": has_role(request.user, ADMIN),
        "entries": Entry.objects.about(f"store:{store.pk}").filter(action="review.settings_changed")[:10],
    }
    return render(request, "reviews/review_settings.html", context, status=status)
