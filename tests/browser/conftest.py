"""What every test in a browser starts from."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def no_log_ins_counted(transactional_db) -> None:
    """Log-ins are counted by address and minute, and all of these tests come from one address."""
    cache.clear()
