"""A scratch Daylight for benchmarks: embedded servers in a temporary folder, and gunicorn as in earnest."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


@contextmanager
def deployment(urls: str = "dreaming.urls") -> Iterator[str]:
    """The address of a running web server, and Django set up in this process on the same, empty database."""
    folder = Path(tempfile.mkdtemp(prefix="daylight-benchmark-"))
    os.environ |= {"DAYLIGHT_DATA": str(folder), "DAYLIGHT_DEMO": "0", "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
    os.environ |= {"BENCHMARK_URLS": urls, "DATABASE_URL": "", "REDIS_URL": ""}
    port = _free_port()
    manage("migrate", "--verbosity", "0")
    import django

    django.setup()
    from dreaming import embedded

    valkey = embedded.start_valkey()
    web = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "dreaming.wsgi:application"],
        cwd=CHECKOUT,
        env=os.environ | {"DAYLIGHT_PORT": str(port), "DAYLIGHT_ACCESS_LOG": "/dev/null"},
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/healthz/web", web)
        yield address
    finally:
        web.terminate()
        web.wait(30)
        embedded.stop_valkey(valkey)
        from django.db import connections

        connections.close_all()
        shutil.rmtree(folder, ignore_errors=True)


def manage(*words: str) -> None:
    subprocess.run([sys.executable, "manage.py", *words], cwd=CHECKOUT, check=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(address: str, web: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=1)
        except OSError:
            if web.poll() is not None:
                raise SystemExit(f"The web server ended with status {web.returncode}.") from None
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The web server does not answer.")
