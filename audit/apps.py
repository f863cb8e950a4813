from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "The record"

    def ready(self) -> None:
        from audit import checks  # noqa: F401  (registers the system checks)
        from audit.grants import apply_grants
        from audit.roles import ensure_groups

        post_migrate.connect(apply_grants, dispatch_uid="audit.apply_grants")
        post_migrate.connect(ensure_groups, sender=self, dispatch_uid="audit.ensure_groups")
