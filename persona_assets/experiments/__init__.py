"""A/B tests: who sees what, how people respond, and what the numbers prove.

Belongs here: assignment to arms, models of response, simulated exposures, and the statistics and
figures of their comparison. Does not belong here: offline metrics of recommendations
(`evaluation/`).
"""
