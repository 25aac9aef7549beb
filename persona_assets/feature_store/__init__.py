"""The feature store: what is known of users and products, as of any time, for training and serving.

Belongs here: which features there are (`registry.py`), how their definitions are versioned
(`definitions.py`), joining them to entities at a point in time, and training sets that can be made
again. Does not belong here: computing features (`transforms/`), their tables (`tables/`), or the
store that answers online (`serving/`).
"""
