"""Daylight's settings, with the addresses of a benchmark."""

import os

from dreaming.settings import *  # noqa: F403

ROOT_URLCONF = os.environ.get("BENCHMARK_URLS", "dreaming.urls")
