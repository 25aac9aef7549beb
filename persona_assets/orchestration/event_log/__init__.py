"""The service's event log in the graph: an external asset, its observation, and its ingestion.

Belongs here: what Dagster knows of a log that a long-lived process writes. Does not belong here:
the log (`serving/event_log/`), bringing it in (`serving/collector/ingest.py`).
"""
