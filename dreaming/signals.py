from django.dispatch import Signal

# Sent as a pass begins to take candidates, with `dream`. A receiver above may answer with candidates of its own.
candidates_wanted = Signal()
# Sent in the transaction that files a pass's proposal, with `proposal`.
candidate_filed = Signal()
