"""What a segmentation depends on besides its customers."""

from dataclasses import dataclass

from persona_assets.recommenders.protocol import Config, may_be_zero


@dataclass(frozen=True)
class SegmentationConfig(Config):
    """Configuration of `segment_customers`; a home sets it by `PERSONA_SEGMENTATION` (JSON).

    Attributes:
        k: segments; 0: chosen among `least_k` to `most_k`.
        least_k: fewest segments tried; with two, a marketer has hardly more than "good" and "bad".
        most_k: most segments tried; more than these nobody treats differently.
        outlier_share: share of customers that the isolation forest marks as unusual, so that they
            are assigned a segment but do not shape any; 0: nobody.
        explained_variance: share of the variance that the principal components keep.
        bootstraps: pairs of bootstrap samples that stability is measured on.
        sample: most customers that silhouette, gap statistic, stability, mixtures and HDBSCAN look
            at; k-means itself is fitted to all.
        seed: of everything random.
    """

    k: int = may_be_zero(0)
    least_k: int = 3
    most_k: int = 8
    outlier_share: float = may_be_zero(0.05)
    explained_variance: float = 0.9
    bootstraps: int = 10
    sample: int = 4_000
