"""Daylight's addresses, and beside them a bare view that sends the same bytes from one SELECT."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from dreaming.urls import urlpatterns as ours


def bare(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM benchmark_answer")
        (body,) = cursor.fetchone()
    return HttpResponse(body, content_type="application/json")


urlpatterns = [path("bare", bare), *ours]
