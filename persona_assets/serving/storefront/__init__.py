"""What stands in a shop's pages, and a small shop to try it in.

Belongs here: files for browsers, the routes that serve them, and what the demo shop asks beyond the
service's own API. Does not belong here: recommendations or events (`serving/recommending/`,
`serving/collector/`).
"""
