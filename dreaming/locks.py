"""Who runs what: locks that a database connection holds, so that a dead runner lets go by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone(kind: int, number: int) -> Iterator[bool]:
    """Whether this is the only one that holds the lock `kind`, `number`, until the block ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [kind, number])
        (locked,) = cursor.fetchone()
    try:
        yield locked
    finally:
        if locked and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [kind, number])
