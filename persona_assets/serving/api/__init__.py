"""The HTTP service: routes, keys, limits, errors, metrics.

Belongs here: what is particular to HTTP. Does not belong here: what the routes do
(`serving/collector/`, `serving/event_log/`, `serving/online/`).
"""
