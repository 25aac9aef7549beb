"""What a policy that was never shown would have earned, from the log of the one that was.

Belongs here: reading a log and a target policy, estimators, their intervals, and whether the log
supports an estimate at all. Does not belong here: who is shown what (`experiments/`) or tests of
what was shown (`statistics/`).
"""
