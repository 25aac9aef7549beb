"""Contracts of group `segmentation`: the segments that customers form, and their profiles.

Belongs here: tables about customers, who are users with a purchase or a return. Does not belong
here: customers as numbers (`customer_features.py`), everybody's trailing windows
(`feature_store.py`) or metrics per segment (`evaluation.py`).
"""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.customer_features import CUSTOMER_FEATURES, MONEY, count, share
from persona_assets.tables.features import CUTOFF
from persona_assets.tables.mart import USER

METHODS = ("k_means", "gaussian_mixture", "hdbscan")
PARTS = ("feature", "component", "centroid")

SEGMENT = Column(
    "segment",
    "int64",
    "number of the segment: that of the reference customer whom its centroid was assigned to, "
    "and so of the same kind of customers at every cut-off; newcomers are never among those who "
    "stay away",
    minimum=1,
)
_NAME = Column("name", "string", "what the segment is called, from its numbers")


CLEANING_STEPS = Table(
    "segmentation",
    "cleaning_steps",
    grain="one row per cut-off and step from delivered rows to segmented customers, in order",
    key=("cutoff", "step"),
    partition="cutoff",
    columns=(
        CUTOFF,
        count("position", "order of the steps; 0: everything delivered", "steps"),
        Column("step", "string", "what the step takes away or marks; `delivered`: nothing yet"),
        count("rows", "rows that it takes away or marks", "rows"),
        count(
            "customers",
            "different customers whom it takes away or marks; who has other rows is not taken away",
            "customers",
        ),
        count("rows_left", "rows left after it", "rows"),
        count("customers_left", "different customers left after it", "customers"),
        Column(
            "amount_left",
            "float64",
            "sum of quantity × unit price left after it; 0 for a row of which one is missing or "
            "absurd",
            MONEY,
        ),
        Column("removes", "bool", "false: the step only marks rows or customers"),
    ),
)

CUSTOMER_SEGMENTS = Table(
    "segmentation",
    "customer_segments",
    grain="one row per cut-off and customer with a purchase in the 52 weeks before it",
    key=("cutoff", "user_id"),
    partition="cutoff",
    columns=(
        CUTOFF,
        USER,
        SEGMENT,
        _NAME,
        Column(
            "distance",
            "float64",
            "to the nearest centroid, in components of unit-free features",
            minimum=0,
        ),
        Column(
            "margin",
            "float64",
            "how clear the choice is: 1 − distance / distance to the next centroid; 0: on the "
            "border; 1 where there is a single segment",
            minimum=0,
            maximum=1,
        ),
        Column("components", "vector", "the customer's principal components"),
        Column("outlier", "bool", "unusual by the isolation forest: assigned, but not fitted to"),
        Column("anomaly", "float64", "score of the isolation forest; higher: more unusual"),
    ),
)

SEGMENTATION_MODEL = Table(
    "segmentation",
    "segmentation_model",
    grain="one row per cut-off, part and name: all that assigns a customer to a segment",
    key=("cutoff", "part", "name"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column(
            "part",
            "string",
            "`feature`: imputation, transform and standardisation of one; `component`: a principal "
            "axis; `centroid`: a segment",
            allowed=PARTS,
        ),
        Column("name", "string", "feature; component (pc1 …); segment's name"),
        count("position", "order within the part", "rows"),
        Column("transform", "string", "of a feature, before standardisation", nullable=True),
        Column(
            "filling",
            "float64",
            "what stands for a missing value, before the transform",
            nullable=True,
        ),
        Column("mean", "float64", "of the transformed feature", nullable=True),
        Column("scale", "float64", "its standard deviation", nullable=True),
        Column(
            "vector",
            "vector",
            "component: weight of each feature in their order; centroid: its components",
            nullable=True,
        ),
        share("explained", "component: share of the variance that it explains", nullable=True),
        Column("segment", "int64", "centroid: the segment's number", nullable=True, minimum=1),
        Column(
            "customers",
            "int64",
            "centroid: customers whom it was fitted to",
            "customers",
            nullable=True,
            minimum=1,
        ),
    ),
)

CLUSTERING_COMPARISON = Table(
    "segmentation",
    "clustering_comparison",
    grain="one row per cut-off, method and number of clusters that was tried",
    key=("cutoff", "method", "k"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("method", "string", "how clusters are found", allowed=METHODS),
        Column("k", "int64", "clusters (of HDBSCAN: found; 0: none)", minimum=0),
        Column("silhouette", "float64", "mean silhouette; higher is better", nullable=True),
        Column(
            "calinski_harabasz",
            "float64",
            "between / within dispersion; higher is better",
            nullable=True,
        ),
        Column(
            "davies_bouldin",
            "float64",
            "mean likeness to the next cluster; lower is better",
            nullable=True,
        ),
        Column(
            "gap",
            "float64",
            "gap statistic: E[ln W] of uniform data − ln W (k-means only)",
            nullable=True,
        ),
        Column("gap_se", "float64", "its simulation error s_k", nullable=True),
        Column(
            "stability",
            "float64",
            "mean adjusted Rand index of fits to two bootstrap samples on the same customers",
            nullable=True,
        ),
        Column("stability_low", "float64", "lower end of its 95 % interval", nullable=True),
        Column("stability_high", "float64", "upper end of its 95 % interval", nullable=True),
        share("smallest_share", "share of customers in the smallest cluster", nullable=True),
        share("noise_share", "share of customers in no cluster (HDBSCAN only, else 0)"),
        Column("chosen", "bool", "makes the segments of this cut-off"),
    ),
)

SEGMENT_PROFILES = Table(
    "segmentation",
    "segment_profiles",
    grain="one row per cut-off and segment",
    key=("cutoff", "segment"),
    partition="cutoff",
    columns=(
        CUTOFF,
        SEGMENT,
        _NAME,
        Column("description", "string", "what sets it apart, in words made from the numbers"),
        Column("action", "string", "what a marketer may do about it"),
        Column("customers", "int64", "customers in it, outliers included", "customers", minimum=1),
        share("customer_share", "of all segmented customers"),
        Column("outliers", "int64", "unusual ones among them", "customers", minimum=0),
        Column(
            "revenue",
            "float64",
            "their gross spend; null: no purchase has a price",
            MONEY,
            nullable=True,
            minimum=0,
        ),
        share(
            "revenue_share",
            "of the gross spend of all segmented customers; null: no purchase has a price",
            nullable=True,
        ),
        Column(
            "countries",
            "string",
            "country mix: JSON object of shares, largest first, the five largest and `other`",
        ),
    ),
)

SEGMENT_TRAITS = Table(
    "segmentation",
    "segment_traits",
    grain="one row per cut-off, segment and feature",
    key=("cutoff", "segment", "feature"),
    partition="cutoff",
    columns=(
        CUTOFF,
        SEGMENT,
        Column("feature", "string", "column of segmentation/customer_features"),
        Column(
            "customers",
            "int64",
            "customers of the segment who have a value",
            "customers",
            minimum=0,
        ),
        Column("median", "float64", "within the segment; null: nobody has a value", nullable=True),
        Column("q25", "float64", "lower quartile", nullable=True),
        Column("q75", "float64", "upper quartile", nullable=True),
        Column("rest_median", "float64", "median of all other customers", nullable=True),
        Column(
            "effect",
            "float64",
            "Cliff's δ against all other customers: P(larger) − P(smaller), from −1 to 1",
            nullable=True,
            minimum=-1,
            maximum=1,
        ),
    ),
)

SEGMENT_MIGRATION = Table(
    "segmentation",
    "segment_migration",
    grain="one row per cut-off and pair of segments: customers of the cut-off before and of this "
    "one, of cut-offs that follow each other among those there are",
    key=("cutoff", "from_segment", "to_segment"),
    columns=(
        CUTOFF,
        Column("from_cutoff", "date", "the cut-off before"),
        Column("from_segment", "int64", "segment then; 0: was no customer yet", minimum=0),
        Column(
            "to_segment", "int64", "segment now; 0: no purchase in the window any more", minimum=0
        ),
        Column("customers", "int64", "customers who went this way", "customers", minimum=1),
        share("share", "of those who were in `from_segment`"),
    ),
)

TABLES = (
    CUSTOMER_FEATURES,
    CLEANING_STEPS,
    SEGMENTATION_MODEL,
    CLUSTERING_COMPARISON,
    CUSTOMER_SEGMENTS,
    SEGMENT_PROFILES,
    SEGMENT_TRAITS,
    SEGMENT_MIGRATION,
)
