"""Keeping a home small: the lake, Dagster's record of runs, and the files next to them."""
