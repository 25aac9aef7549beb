"""What the shop itself says of its lists: products pinned, excluded, blocked, not to be had.

Belongs here: the rules, reading them from a file, and the one function that a list passes. Does not
belong here: models' scores (`recommenders/`), who is answered with a list (`serving/`).
"""
