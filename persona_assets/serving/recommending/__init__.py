"""One person's recommendations now: from the champion's artefact and what happened since.

Belongs here: loading what serves, histories of one person, and ranking for that person. Does not
belong here: HTTP (`serving/api/`), models (`recommenders/`), or the lists that a run makes for
everybody (`serving/lists.py`).
"""
