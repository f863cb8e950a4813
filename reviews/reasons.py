"""The nine usual reasons to reject. What stands in the record is the sentence, so these may change."""

REASONS = tuple(
    enumerate(
        (
            "The quotes do not show what it claims.",
            "What speaks against it weighs more.",
            "Too few sessions, or too alike, to tell.",
            "It goes round a control or a rule.",
            "It is known already.",
            "It holds for one case only.",
            "It claims more than was seen: it does not say when it does not hold.",
            "It is out of date.",
            "It holds something private, secret or meant to steer the agent.",
        ),
        start=1,
    )
)
