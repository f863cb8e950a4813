from django.dispatch import Signal

# Sent inside the transaction of an import, with `store` (a name), `agents` (those seen) and `created` (ids of new ones).
# Receivers return warnings to show.
agents_seen = Signal()

# Sent when a batch is committed, with `session_ids`, those that are new. A room above may listen and work on them.
sessions_added = Signal()

# Sent inside the transaction that takes sessions back as evidence, with `session_ids`, `why` (`erased`, `relabelled`,
# `poisoned`) and the `act`: what rests on them is sent back for review with it, or neither happens.
sessions_withdrawn = Signal()
