"""The root of all addresses. Names other packages by string, as the composition root."""

from allauth.account import views as account_views
from allauth.mfa.recovery_codes import views as code_views
from allauth.mfa.totp import views as totp_views
from django.urls import include, path

from dreaming import agent_views, health, readiness_views, views
from dreaming.accounts import credentials_recorded
from dreaming.api import api
from memory import mcp_server
from sessions import otlp_views

dreaming_patterns = (
    [
        path("dreams/", views.dreams, name="dreams"),
        path("dreams/start/", views.start_dream, name="start_dream"),
        path("dreams/estimate/", views.estimate, name="estimate"),
        path("dreams/<int:pk>/", views.dream_detail, name="dream_detail"),
        path("dreams/<int:pk>/progress/", views.dream_progress, name="dream_progress"),
        path("dreams/<int:pk>/cancel/", views.cancel, name="cancel_dream"),
        path("dreams/<int:pk>/readiness/", readiness_views.dream_readiness, name="dream_readiness"),
        path("stores/<str:name>/readiness/", readiness_views.store_readiness, name="readiness"),
        path("agents/", agent_views.agents, name="agents"),
        path("new-agent/", agent_views.new_agent, name="new_agent"),
        path("agents/<str:slug>/", agent_views.agent_detail, name="agent_detail"),
        path("agents/<str:slug>/settings/", agent_views.change_agent, name="change_agent"),
        path("agents/<str:slug>/schedule/<int:store_id>/", agent_views.change_schedule, name="change_schedule"),
        path("agents/<str:slug>/keys/", agent_views.new_key, name="new_key"),
        path("agents/<str:slug>/keys/<int:key_id>/rotate/", agent_views.renew_key, name="rotate_key"),
        path("agents/<str:slug>/keys/<int:key_id>/revoke/", agent_views.drop_key, name="revoke_key"),
    ],
    "dreaming",
)

# Of allauth only what our pages lead to: no sign-up, no e-mail addresses, no reset by a mail that nobody sends.
account_patterns = [
    path("login/", account_views.login, name="account_login"),
    path("logout/", account_views.logout, name="account_logout"),
    path("inactive/", account_views.account_inactive, name="account_inactive"),
    path("reauthenticate/", account_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", credentials_recorded(account_views.password_change), name="account_change_password"),
    # What changes credentials stands before allauth's own: the first address that fits counts.
    path("2fa/totp/activate/", credentials_recorded(totp_views.activate_totp), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", credentials_recorded(totp_views.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "2fa/recovery-codes/generate/",
        credentials_recorded(code_views.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("2fa/", include("allauth.mfa.urls")),
]

urlpatterns = [
    path("anthropic/v1/", include("memory.anthropic_api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("healthz/web", health.web_health, name="web_health"),
    path("v1/traces", otlp_views.traces, name="otlp_traces"),
    path("api/v1/otlp/v1/traces", otlp_views.traces, name="otlp_traces"),
    path("api/v1/", api.urls),
    path("mcp", mcp_server.endpoint, name="mcp"),
    path("accounts/", include(account_patterns)),
    path("", include(dreaming_patterns)),
    path("sessions/", include("sessions.urls")),
    path("", include("reviews.urls")),
]
