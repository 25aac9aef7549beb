"""What others published on the data sets that `quality.py` measures on, with protocol and source.

Belongs here: figures read in a paper, in its authors' logs or repository. Does not belong here:
figures of ours.

Full ranking over all products, the last product of each person is test, the one before it
validation. *Strict*: learned from what lies before validation. *Refit*: validation is learned from
as well. Where a paper does not say which, its common protocol is strict.
"""

from typing import NamedTuple


class Published(NamedTuple):
    """Recall@10 and NDCG@10 of a model that others trained."""

    model: str
    protocol: str
    recall: float
    ndcg: float
    source: str


PAPER, LOG = "paper", "authors' log"
BEAUTY = (
    Published("popularity", "refit", 0.0136, 0.0061, "computed again"),
    Published("SASRec", "strict", 0.0605, 0.0318, PAPER),
    Published("S3-Rec", "strict", 0.0647, 0.0327, PAPER),
    Published("TIGER", "strict", 0.0648, 0.0384, PAPER),
    Published("ICLRec", "strict", 0.0744, 0.0403, PAPER),
    Published("ActionPiece", "strict", 0.0775, 0.0424, PAPER),
    Published("DuoRec", "strict", 0.0845, 0.0443, PAPER),
    Published("SASRec, sampled softmax", "strict", 0.0921, 0.0531, PAPER),
    Published("eSASRec", "strict", 0.0928, 0.0523, PAPER),
    Published("BSARec (AAAI 2024)", "strict", 0.1008, 0.0611, LOG),
    Published("WEARec (AAAI 2026), best test score of its grid", "strict", 0.1041, 0.0614, LOG),
)
TOYS = (Published("SASRec, sampled softmax", "strict", 0.0970, 0.0580, PAPER),)
"""The best that was found for Amazon Toys."""
