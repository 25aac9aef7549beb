"""A/B tests of anybody's own data: a file and a declaration in, one verdict with its reasons out.

Belongs here: what a file of units or of aggregates holds, which comparisons are made of it, and
what is checked before they are believed. Does not belong here: formulas (`statistics/`), the rule
of the verdict (`experiments/verdict.py`, which the simulated experiment shares), the page
(`report/experiment_page.py`).
"""
