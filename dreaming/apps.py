from django.apps import AppConfig


class DreamingConfig(AppConfig):
    name = "dreaming"

    def ready(self) -> None:
        from dreaming import listeners  # noqa: F401  (connects the signals)
