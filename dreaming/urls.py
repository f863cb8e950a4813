"""The root of all addresses. Names other packages by string, as the composition root."""

from django.urls import include, path

from dreaming import agent_views, health, views
from dreaming.api import api

dreaming_patterns = (
    [
        path("dreams/", views.dreams, name="dreams"),
        path("dreams/start/", views.start_dream, name="start_dream"),
        path("dreams/<int:pk>/", views.dream_detail, name="dream_detail"),
        path("dreams/<int:pk>/progress/", views.dream_progress, name="dream_progress"),
        path("dreams/<int:pk>/cancel/", views.cancel, name="cancel_dream"),
        path("agents/", agent_views.agents, name="agents"),
        path("agents/new/", agent_views.new_agent, name="new_agent"),
        path("agents/<str:slug>/", agent_views.agent_detail, name="agent_detail"),
        path("agents/<str:slug>/settings/", agent_views.change_agent, name="change_agent"),
        path("agents/<str:slug>/schedule/<int:store_id>/", agent_views.change_schedule, name="change_schedule"),
        path("agents/<str:slug>/keys/", agent_views.new_key, name="new_key"),
        path("agents/<str:slug>/keys/<int:key_id>/revoke/", agent_views.drop_key, name="revoke_key"),
    ],
    "dreaming",
)

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("healthz/web", health.web_health, name="web_health"),
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("", include(dreaming_patterns)),
    path("sessions/", include("sessions.urls")),
    path("", include("reviews.urls")),
]
