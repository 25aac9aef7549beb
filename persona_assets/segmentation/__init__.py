"""Customer segmentation: features in, segments one can act on out.

Belongs here: preprocessing, the choice of clusters, assignment, numbering, profiles and plots of
segments. Does not belong here: what is known of a customer (`transforms/customer_features.py`) or
Dagster.
"""
