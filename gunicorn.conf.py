"""How gunicorn serves Daylight, under `make run` and in a container alike."""

import os

_host = os.environ.get("DAYLIGHT_HOST", "127.0.0.1")
_port = os.environ.get("DAYLIGHT_PORT", "8000")

bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
workers = 2
threads = 4
worker_class = "gthread"
timeout = 60
graceful_timeout = 3  # `make run` stops everything within ten seconds
preload_app = True  # half the memory, and a start that fails fails at once
loglevel = "warning"
accesslog = os.environ.get("DAYLIGHT_ACCESS_LOG", "-")
control_socket_disable = True  # its default lies in the home directory, which need not exist


def when_ready(server: object) -> None:  # noqa: ARG001
    """Before the workers fork, once, and shared: looks at the database's guards, and makes ready to answer."""
    from django.db import connections

    from audit.checks import refuse_if_disarmed
    from dreaming.warm import warm_up

    refuse_if_disarmed()
    connections.close_all()
    warm_up()
