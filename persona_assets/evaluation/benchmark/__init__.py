"""Evaluating models on any file of interactions, without a home and without Dagster.

Belongs here: reading the file (`interactions_file`), making its names mean nothing
(`canonical_labels`), choosing parameters on validation (`recipe`), measuring (`stages`,
`evaluation`) and the command's result (`run`). Does not belong here: splits and metrics
(`evaluation/`) or models (`recommenders/`).
"""
