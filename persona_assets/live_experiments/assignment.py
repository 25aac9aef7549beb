"""Who takes part in an experiment, and in which arm.

Belongs here: layers, holdout and arms. Does not belong here: the hash
(`experiments/assignment.py`), what an arm shows (`serving/recommending/`).
"""

from collections.abc import Mapping

from persona_assets.experiments.assignment import assign, uniform
from persona_assets.live_experiments.declaration import LiveExperiment

HELD_OUT = ""
"""Stands for the arm of customers who are left out."""


def arm_of(experiment: LiveExperiment, arms: Mapping[str, str], user_id: str) -> str | None:
    """The arm of a customer; None: not in this experiment.

    Customers have a place in [0, 1) in each layer, by a hash that the layer's name salts;
    experiments of one layer take disjoint intervals of it, so that none shares a customer with
    another (Tang et al. 2010, "Overlapping Experiment Infrastructure", section 4). Arms are by a
    hash that the experiment's name salts, which is independent of the first.

    Args:
        experiment: its declaration.
        arms: model by arm, in the order in which arms take the customers.
        user_id: keyed hash of the customer.
    """
    low, high = experiment.traffic
    if not low <= uniform(user_id, f"layer {experiment.its_layer}") < high:
        return None
    shares = {
        arm: share * (1 - experiment.holdout) for arm, share in experiment.shares_of(arms).items()
    }
    if experiment.holdout:
        shares = {HELD_OUT: experiment.holdout, **shares}
    [arm] = assign([user_id], experiment=experiment.name, arms=shares)
    return arm or None
