"""Agents in the browser: mode, thresholds, stores, schedule, keys."""

from datetime import timedelta

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from audit.actors import Actor
from audit.models import Entry
from audit.roles import ADMIN, ROLES, has_role, role_required
from dreaming.forms import AgentForm, DreamPolicyForm, KeyForm, NewAgentForm
from dreaming.models import DreamPolicy
from dreaming.services import save_dream_policy
from memory.agents import SettingsMoved, create_agent, save_agent_settings, settings_digest
from memory.models import MemoryStore
from sessions.models import Agent, ApiKey, Session
from sessions.services import NotRotated, issue_key, revoke_key, rotate_key

OVERLAP = timedelta(days=1)


@require_GET
@role_required(*ROLES)
def agents(request: HttpRequest) -> HttpResponse:
    return _agents_page(request, NewAgentForm())


@require_POST
@role_required(ADMIN)
def new_agent(request: HttpRequest) -> HttpResponse:
    form = NewAgentForm(request.POST)
    if not form.is_valid():
        return _agents_page(request, form, status=422)
    store = form.cleaned_data["store"]
    agent = create_agent(
        slug=form.cleaned_data["slug"], stores=[store] if store else [], actor=Actor.user(request.user)
    )
    messages.success(request, f"{agent.slug} is there, gated. Issue a key to let it send sessions and read memory.")
    return redirect("dreaming:agent_detail", agent.slug)


def _agents_page(request: HttpRequest, form: NewAgentForm, status: int = 200) -> HttpResponse:
    context = {"agents": _counted_agents(), "form": form, "may_change": has_role(request.user, ADMIN)}
    return render(request, "dreaming/agents.html", context, status=status)


def _counted_agents() -> list[Agent]:
    """Every agent with its sessions and their outcomes, counted in one pass over the sessions without a join."""
    counts = (
        Session.objects.order_by()
        .values("agent")
        .annotate(
            sessions=Count("pk"),
            success=Count("pk", filter=Q(outcome="success")),
            failure=Count("pk", filter=Q(outcome="failure")),
        )
    )
    by_agent = {row["agent"]: row for row in counts}
    agents = list(Agent.objects.prefetch_related("stores"))
    for agent in agents:
        row = by_agent.get(agent.pk, {"sessions": 0, "success": 0, "failure": 0})
        agent.session_count, agent.success_count, agent.failure_count = row["sessions"], row["success"], row["failure"]
    return agents


@require_GET
@role_required(*ROLES)
def agent_detail(request: HttpRequest, slug: str) -> HttpResponse:
    return _agent_page(request, get_object_or_404(Agent, slug=slug))


def _agent_page(request: HttpRequest, agent: Agent, status: int = 200, **forms: object) -> HttpResponse:
    """The agent's page; `forms` replaces a form by one that was filled in, `new_key` shows a fresh key once."""
    policies = [_policy(store) for store in agent.stores.all()]
    context = {
        "agent": agent,
        "form": AgentForm(instance=Agent.objects.get(pk=agent.pk)),
        "seen": settings_digest(Agent.objects.get(pk=agent.pk)),
        "key_form": KeyForm(initial={"scopes": ["ingest", "read"]}),
        "policies": [(policy, DreamPolicyForm(instance=policy, prefix=str(policy.store_id))) for policy in policies],
        "keys": agent.api_keys.with_state(),
        "entries": Entry.objects.about(f"agent:{agent.pk}")[:20],
        "recent": agent.sessions.newest_first()[:10],
        "may_change": has_role(request.user, ADMIN),
        **forms,
    }
    return render(request, "dreaming/agent_detail.html", context, status=status)


def _policy(store: MemoryStore) -> DreamPolicy:
    return DreamPolicy.objects.select_related("store").filter(store=store).first() or DreamPolicy(store=store)


@require_POST
@role_required(ADMIN)
def change_agent(request: HttpRequest, slug: str) -> HttpResponse:
    agent = get_object_or_404(Agent, slug=slug)
    form = AgentForm(request.POST, instance=agent)
    if not form.is_valid():
        return _agent_page(request, agent, status=422, form=form)
    try:
        waits = save_agent_settings(
            agent=form.instance,
            stores=form.cleaned_data["stores"],
            actor=Actor.user(request.user),
            seen=request.POST.get("seen", ""),
        )
    except SettingsMoved as moved:
        messages.error(request, str(moved))
        return _agent_page(request, Agent.objects.get(pk=agent.pk), status=409)
    if waits:
        messages.warning(request, f"Nothing changed yet: {' '.join(waits.looser)} Another admin has to confirm it.")
    else:
        messages.success(request, f"Saved. {agent.slug} is {agent.mode}.")
    return redirect("dreaming:agent_detail", slug)


@require_POST
@role_required(ADMIN)
def change_schedule(request: HttpRequest, slug: str, store_id: int) -> HttpResponse:
    agent = get_object_or_404(Agent, slug=slug)
    policy = _policy(get_object_or_404(agent.stores, pk=store_id))
    form = DreamPolicyForm(request.POST, instance=policy, prefix=str(store_id))
    if not form.is_valid():
        shown = [
            (_policy(store), DreamPolicyForm(instance=_policy(store), prefix=str(store.pk)))
            for store in agent.stores.exclude(pk=store_id)
        ]
        return _agent_page(request, agent, status=422, policies=[(policy, form), *shown])
    save_dream_policy(policy=form.save(commit=False), actor=Actor.user(request.user))
    messages.success(request, f"{policy.store.name} dreams {policy.get_schedule_display()}.")
    return redirect("dreaming:agent_detail", slug)


@never_cache
@require_POST
@role_required(ADMIN)
def new_key(request: HttpRequest, slug: str) -> HttpResponse:
    """Answers with the page itself, not a redirect: the key is shown this once and kept nowhere."""
    agent = get_object_or_404(Agent, slug=slug)
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _agent_page(request, agent, status=422, key_form=form)
    _, secret = issue_key(
        agent=agent,
        scopes=form.cleaned_data["scopes"],
        issued_by=Actor.user(request.user),
        label=form.cleaned_data["label"],
        expires_at=form.expires_at(),
    )
    return _agent_page(request, agent, new_key=secret)


@require_POST
@role_required(ADMIN)
def drop_key(request: HttpRequest, slug: str, key_id: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=key_id, agent__slug=slug)
    revoke_key(key=key, by=Actor.user(request.user))
    messages.success(request, f"{key} is revoked; it is refused from now on.")
    return redirect("dreaming:agent_detail", slug)


@never_cache
@require_POST
@role_required(ADMIN)
def renew_key(request: HttpRequest, slug: str, key_id: int) -> HttpResponse:
    """Answers with the page itself, as a new key does: the old one goes on for a day, until the new one is in place."""
    key = get_object_or_404(ApiKey, pk=key_id, agent__slug=slug)
    try:
        _, secret = rotate_key(key=key, by=Actor.user(request.user), overlap=OVERLAP)
    except NotRotated as refusal:
        messages.error(request, str(refusal))
        return _agent_page(request, key.agent, status=409)
    return _agent_page(request, key.agent, new_key=secret)
