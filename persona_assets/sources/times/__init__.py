"""How delivered texts are read as times: what is written, which readings fit, which one is meant.

Belongs here: everything that is decided about a column of times before the mart sees it. Does not
belong here: applying a mapping to files (`delivered_times.py`), or what the mart itself reads
(`transforms/timestamps.py`).
"""
