"""Experiments on the customers of a shop: declared, served, and analysed.

Belongs here: what a shop declares, who is in which arm, and what users did. Does not belong here:
simulated experiments (`experiments/`), the analysis itself (`ab_testing/`), serving (`serving/`).
"""
