"""The service's log of events: an append-only sequence of records in segment files.

Belongs here: keeping records durably and in order, and reading them again from an offset. Does not
belong here: what a record says (`serving/collector/`), or bringing records into the lake
(`lake/`).

A record's *offset* is its position in bytes in the whole log, from its first record on; segment
files are named by the offset of their first record. `<offset>.open` is the one that is written to,
`<offset>.log` is *sealed*: whole, synchronized and never changed again.
"""
