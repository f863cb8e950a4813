"""Test items, for admins: ordering them, and what became of them. Which ones still wait in the queue is not shown."""

import secrets

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit.acts import one_act
from audit.roles import ADMIN, role_required
from memory.models import MemoryStore
from reviews.models import SeedAnswer
from reviews.planting import MOST_AT_ONCE, CannotPlant, plant

ANSWERS_SHOWN = 50


class PlantForm(forms.Form):
    """Where, how many a store, and the number that makes the draw repeatable."""

    stores = forms.ModelMultipleChoiceField(
        MemoryStore.objects.all(), to_field_name="name", help_text="One or more; hold Ctrl or ⌘ to choose several."
    )
    count = forms.IntegerField(label="Items a store", min_value=1, max_value=MOST_AT_ONCE, initial=2)
    number = forms.IntegerField(
        label="Seed number",
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        help_text="The same number gives the same items; empty: a new one.",
    )


@require_GET
@role_required(ADMIN)
def test_items(request: HttpRequest) -> HttpResponse:
    return _page(request, PlantForm())


@require_POST
@role_required(ADMIN)
@one_act()
def plant_items(request: HttpRequest) -> HttpResponse:
    form = PlantForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    number = form.cleaned_data["number"]
    number = secrets.randbelow(2**31) if number is None else number
    for store in form.cleaned_data["stores"]:
        try:
            drafts = plant(store=store, count=form.cleaned_data["count"], number=number, by=request.user)
        except CannotPlant as refusal:
            messages.error(request, str(refusal))
        else:
            one = len(drafts) == 1
            messages.success(
                request,
                f"{len(drafts)} test item{'' if one else 's'} for {store.name}: the next dreams that find something "
                f"there file {'it' if one else 'them'} among their own proposals. Seed number {number}.",
            )
    return redirect("reviews:test_items")


def _page(request: HttpRequest, form: PlantForm, status: int = 200) -> HttpResponse:
    answers = SeedAnswer.objects.select_related("seed__proposal__store").order_by("-id")
    context = {
        "form": form,
        "stores": _counted(),
        "answers": answers[:ANSWERS_SHOWN],
    }
    return render(request, "reviews/test_items.html", context, status=status)


def _counted() -> list[MemoryStore]:
    """Each store that has had items, with how many were ordered, wait for a dream, wait in the queue, and ended."""
    filed = Q(seed_drafts__proposal__isnull=False)
    waits = Q(seed_drafts__proposal__status__in=["open", "stale"])
    answered = Q(seed_drafts__proposal__seed__answers__isnull=False)
    caught = Q(seed_drafts__proposal__seed__answers__caught=True)
    stores = MemoryStore.objects.annotate(
        ordered=Count("seed_drafts", distinct=True),
        filed=Count("seed_drafts", filter=filed, distinct=True),
        queued=Count("seed_drafts", filter=waits, distinct=True),
        answered=Count("seed_drafts", filter=answered, distinct=True),
        caught=Count("seed_drafts", filter=caught, distinct=True),
    )
    rows = list(stores.filter(ordered__gt=0))
    for store in rows:
        store.unfiled = store.ordered - store.filed
        store.missed = store.answered - store.caught
        store.expired = store.filed - store.queued - store.answered
    return rows
