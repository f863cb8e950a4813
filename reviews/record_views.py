"""The record in the browser: found by what an address says, one entry with its proof, and an extract to take away."""

from itertools import groupby
from operator import attrgetter

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from audit import actions
from audit.canonical import sha256_hex
from audit.checkpoints import PREFIX
from audit.models import Checkpoint, Entry, SigningKey
from audit.roles import ROLES, role_required
from audit.signing import is_signed
from memory.models import MemoryStore
from reviews import record
from reviews.blind import uncovered
from reviews.extracts import MAX_ROWS, TYPES, export_extract
from sessions.models import Agent


@require_GET
@role_required(*ROLES)
def entries(request: HttpRequest) -> HttpResponse:
    """The record, newest first; the entries of one act together."""
    filters = record.Filters.read(request.GET)
    page = record.page(filters, request.user, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    context = {
        "filters": filters,
        "page": page,
        "acts": [list(rows) for _, rows in groupby(page.rows, key=attrgetter("act"))],
        "groups": [(name, actions.GROUPS.get(name, name), names) for name, names in actions.grouped().items()],
        "stores": MemoryStore.objects.values_list("name", flat=True),
        "agents": Agent.objects.values_list("slug", flat=True),
        "formats": TYPES,
        "max_rows": MAX_ROWS,
    }
    return render(request, "reviews/entries.html", context)


@require_GET
@role_required(*ROLES)
def entry(request: HttpRequest, seq: int) -> HttpResponse:
    """One entry: the bytes that were hashed, the chain on both sides, and the checkpoint that covers it."""
    seen = uncovered(Entry.objects.all(), request.user)
    found = get_object_or_404(seen, seq=seq)
    body = bytes(found.body)
    context = {
        "entry": found,
        "body": body.decode(),
        "is_whole": sha256_hex(bytes.fromhex(found.prev_hash) + body) == found.hash,
        "is_linked": seq == 1 or Entry.objects.filter(seq=seq - 1, hash=found.prev_hash).exists(),
        "others": seen.filter(act=found.act).exclude(seq=seq).order_by("seq")[: record.PAGE_SIZE],
        "older": seen.filter(seq__lt=seq).order_by("-seq").first(),
        "newer": seen.filter(seq__gt=seq).order_by("seq").first(),
        "checkpoint": _covering(seq),
    }
    return render(request, "reviews/entry.html", context)


def _covering(seq: int) -> Checkpoint | None:
    """The first checkpoint that covers the entry, with `is_signed` said of it."""
    checkpoint = Checkpoint.objects.filter(size__gte=seq).order_by("size").first()
    if checkpoint:
        key = SigningKey.objects.filter(pk=checkpoint.key_id).values_list("public_key", flat=True).first() or ""
        signed = PREFIX + bytes(checkpoint.body)
        checkpoint.is_signed = is_signed(bytes.fromhex(key), bytes.fromhex(checkpoint.signature), signed)
    return checkpoint


@require_POST
@role_required(*ROLES)
def export(request: HttpRequest) -> HttpResponseBase:
    """What the filter shows, on all its pages, as a file. It is an act of its own, so a link cannot cause it."""
    filters = record.Filters.read(request.POST)
    format = request.POST.get("format", "csv")
    if filters.wrong or format not in TYPES:
        return redirect(f"{reverse('reviews:entries')}?{filters.query}")
    assert isinstance(request.user, User)
    extract = export_extract(filters=filters, viewer=request.user, format=format)
    name = f"record-{extract.newest}-{extract.rows}-entries.{format}"
    response = StreamingHttpResponse(extract.lines, content_type=TYPES[format])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
