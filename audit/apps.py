from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "The record"

    def ready(self) -> None:
        from audit import checks  # noqa: F401  (registers the system checks)
        from audit.grants import apply_grants
        from audit.roles import ensure_groups

        # Once, when the last app's tables are there.
        post_migrate.connect(apply_grants, sender=list(apps.get_app_configs())[-1], dispatch_uid="audit.apply_grants")
        post_migrate.connect(ensure_groups, sender=self, dispatch_uid="audit.ensure_groups")
