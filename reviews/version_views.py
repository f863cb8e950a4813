"""A memory line by line, and one version of it: who decided it, on what, and whom it reached."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from audit.roles import ROLES, role_required
from memory.history import next_version
from memory.models import Memory, MemoryVersion
from reviews.attribution import attributed
from reviews.diffs import diff_lines
from reviews.keyset import integer
from reviews.reach import LIMIT, reach_of
from reviews.texts import text_of


@require_GET
@role_required(*ROLES)
def memory_blame(request: HttpRequest, pk: int) -> HttpResponse:
    """Each line: since when, by whose decision, proposed by whom, on which evidence; as of `?revision=`."""
    memory = get_object_or_404(Memory.objects.select_related("store"), pk=pk)
    asked = _revision(request.GET.get("revision", ""))
    versions = memory.versions.defer("content").order_by("-revision")
    version = (versions.filter(revision__lte=asked) if asked else versions).first()
    stretches = attributed(memory, version.revision) if version else []
    texts = versions.exclude(operation=MemoryVersion.Operation.DELETED)
    last = texts.filter(revision__lte=version.revision).first() if version and not stretches else None
    context = {
        "memory": memory,
        "version": version,
        "stretches": stretches,
        "erased": last if last and last.is_erased else None,
        "older": versions.filter(revision__lt=version.revision).first() if version else None,
        "newer": next_version(version) if version else None,
    }
    return render(request, "reviews/memory_blame.html", context)


def _revision(text: str) -> int | None:
    try:
        return integer(text)
    except ValueError:
        return None


@require_GET
@role_required(*ROLES)
def version_detail(request: HttpRequest, pk: int, revision: int) -> HttpResponse:
    versions = MemoryVersion.objects.select_related("memory__store", "memory__head", "decision__proposal")
    version = get_object_or_404(versions, memory_id=pk, revision=revision)
    older = version.memory.versions.filter(revision__lt=revision).order_by("-revision").first()
    evidence = version.decision.proposal.evidence.select_related("session__agent").order_by("id")
    context = {
        "memory": version.memory,
        "version": version,
        "text": text_of(version),
        "pieces": diff_lines(text_of(older), text_of(version)),
        "older": older,
        "newer": next_version(version),
        "quotes": evidence,
        "reach": reach_of(version, after=request.GET.get("after", ""), before=request.GET.get("before", "")),
        "limit": LIMIT,
    }
    return render(request, "reviews/version_detail.html", context)
