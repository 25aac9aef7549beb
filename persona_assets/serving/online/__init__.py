"""The online feature store: what is known of a person or product, found by identifier in µs.

Belongs here: packed rows, snapshots of them in LMDB or Redis, their publishing, and the live tail
of events that no snapshot knows yet. Does not belong here: computing features (`transforms/`),
their definitions (`tables/`), answering requests.
"""
