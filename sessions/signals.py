from django.dispatch import Signal

# Sent inside the transaction of an import, with `store` (a name), `agents` (those seen) and `created` (ids of new ones).
# Receivers return warnings to show.
agents_seen = Signal()
