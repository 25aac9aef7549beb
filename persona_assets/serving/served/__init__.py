"""The lists that the service answered with: logged, brought into the lake, joined with events.

Belongs here: the served-list log and `serving/impressions`. Does not belong here: making lists
(`serving/recommending/`), the log's files (`serving/event_log/`).
"""
