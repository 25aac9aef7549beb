"""What shops send while it happens, as events of this platform.

Belongs here: the contract of an event, reading the formats of tools that shops have, and taking the
person out of what came without consent. Does not belong here: HTTP (`serving/api/`), keeping what
was read (`serving/event_log/`), cleaning (`transforms/cleaning.py`).
"""
