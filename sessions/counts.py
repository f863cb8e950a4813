"""The counts of sessions by day that charts read."""

from django.db import connection, transaction

_FOLD = """
    WITH folded AS (
        DELETE FROM agent_sessions_sessioncount WHERE (agent_id, day, outcome) IN (
            SELECT agent_id, day, outcome FROM agent_sessions_sessioncount GROUP BY 1, 2, 3 HAVING count(*) > 1
        ) RETURNING agent_id, day, outcome, number
    )
    INSERT INTO agent_sessions_sessioncount (agent_id, day, outcome, number)
    SELECT agent_id, day, outcome, sum(number) FROM folded GROUP BY 1, 2, 3 HAVING sum(number) <> 0
"""


@transaction.atomic
def fold_counts() -> None:
    """Add up what trigger rows belong together. Whoever reads meanwhile gets the same sums; two at once do no harm."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD)
