"""What a shop's cleaned events look like: activity, distributions, cohorts, and their plots.

Belongs here: summaries for people. Does not belong here: features (`transforms/`), or how good the
data are (`monitoring/`).
"""
