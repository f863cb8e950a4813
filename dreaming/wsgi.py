"""The WSGI entry point that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dreaming.settings")
django_application = get_wsgi_application()

from memory.unchanged import Unchanged  # noqa: E402 (Django is set up first)

application = Unchanged(django_application)
