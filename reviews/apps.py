from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"

    def ready(self) -> None:
        from reviews import listeners, record_words  # noqa: F401  (connects the signals; reads words for the record)
