from django.apps import AppConfig


class AgentSessionsConfig(AppConfig):
    name = "sessions"
    label = "agent_sessions"  # `sessions` is Django's own
    verbose_name = "Agents and their sessions"
