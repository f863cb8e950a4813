from django.dispatch import Signal

# Sent when a proposal is committed, with `proposal_id`. A policy above may listen and decide.
proposal_submitted = Signal()
