"""Dagster resources: the lake, the source, the stopwatch and the event log."""
