"""ALS by Spark MLlib: the table of factors of `recommenders/models/als.py`, learned by a cluster.

Belongs here: pairs, identifiers and λ as MLlib wants them, and its factors as rows of the artefact.
Does not belong here: the configuration and the loss that is approached
(`recommenders/models/als.py`).
"""

from datetime import date
from typing import TYPE_CHECKING

import narwhals as nw

from persona_assets.errors import UserError
from persona_assets.recommenders.matrix import MICROSECONDS_PER_DAY, nothing_known
from persona_assets.recommenders.models.als import ALSConfig, noise_level
from persona_assets.tables.models import FALLBACK_USER
from persona_assets.transforms.history import known_before, midnight

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FAINTEST_RATING = 1e-9
"""Of a pair that met, however long ago: a rating of 0 would tell MLlib that it did not meet."""
# The random start depends on the number of blocks, so that must follow from the data and not from
# the cluster. A block of this size is solved in a second; each exchanges vectors with all others.
_PAIRS_PER_BLOCK = 100_000
_MOST_BLOCKS = 500
# Leaves room for 2³¹ / 256 = 8 million identifiers in each.
_BUCKETS = 256


def factors(config: ALSConfig, interactions: nw.LazyFrame, *, cutoff: date) -> nw.LazyFrame:
    """Rows of a factor artefact (see `tables.models.factor_table`), learned by MLlib.

    MLlib minimises Σ_ui c_ui (p_ui − x_u · y_i)² + λ (Σ_u n_u‖x_u‖² + Σ_i n_i‖y_i‖²), where c is
    1 + α·r for pairs that met and 1 for others (Hu, Koren and Volinsky 2008) and n is the number of
    pairs of a row (Zhou, Wilkinson, Schreiber and Pan 2008, "Large-scale parallel collaborative
    filtering for the Netflix prize"). With r = log(1 + w), w the decayed weight, it is the loss of
    the embedded ALS with a frequency scaling of 1; the factors are brought to the same scale.

    Whatever the order and the partitions of the rows, the same rows and seed give the same factors
    up to last digits, which depend on the order in which blocks arrive from other machines.

    Args:
        config: see `ALSConfig`.
        interactions: PySpark frame with rows of `mart/user_item_interactions`.
        cutoff: rows that happened or arrived on or after this day are ignored.

    Raises:
        DataError: no row with a positive weight is known at the cut-off.
        UserError: a frequency scaling other than 1, the only one that MLlib has.
    """
    if config.frequency_scaling != 1:
        raise UserError(
            "MLlib's ALS has a frequency scaling of 1 only; ALSConfig.frequency_scaling is "
            f"{config.frequency_scaling:g}; set it to 1, or train with PERSONA_ENGINE=polars"
        )
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import functions as F  # noqa: N812 - its customary name

    pairs = _pairs(interactions, config, cutoff)
    users, products = _numbered(pairs, "user_id"), _numbered(pairs, "product_id")
    pairs.persist()
    try:
        found = pairs.agg(
            F.count("*").alias("pairs"),
            F.countDistinct("user_id").alias("users"),
            F.countDistinct("product_id").alias("products"),
            F.sqrt(F.sum(F.pow(1 + config.alpha * F.col("rating"), 2))).alias("norm"),
        ).first()
        if not found["pairs"]:
            raise nothing_known(cutoff)
        noise = noise_level(found["norm"], found["users"], found["products"])
        pairs_of_a_row = found["pairs"] / (found["users"] * found["products"]) ** 0.5
        penalty = config.regularization * noise / pairs_of_a_row
        blocks = min(1 + found["pairs"] // _PAIRS_PER_BLOCK, _MOST_BLOCKS)
        ratings = (
            pairs.join(users, "user_id")
            .join(products, "product_id")
            .select("user", "product", F.col("rating").cast("float"))
            .repartition(blocks, "user")
            .sortWithinPartitions("user", "product")
        )
        trained = ALS(
            rank=config.factors,
            maxIter=config.iterations,
            regParam=penalty,
            numUserBlocks=blocks,
            numItemBlocks=blocks,
            implicitPrefs=True,
            alpha=config.alpha,
            userCol="user",
            itemCol="product",
            ratingCol="rating",
            seed=config.seed,
        ).fit(ratings)
    finally:
        pairs.unpersist()
    of_users = _scaled(trained.userFactors, penalty**0.5)
    of_products = _scaled(trained.itemFactors, penalty**-0.5)
    rows = (
        _named(of_products, products, "product_id", "product", cutoff)
        .unionByName(_mean_user(of_users, cutoff))
        .unionByName(_named(of_users, users, "user_id", "user", cutoff))
    )
    return nw.from_native(rows)


def _pairs(interactions: nw.LazyFrame, config: ALSConfig, cutoff: date) -> "DataFrame":
    """`user_id, product_id, rating`: log(1 + w), see `matrix.interaction_matrix`."""
    from pyspark.sql import functions as F  # noqa: N812

    known = known_before(interactions, cutoff).filter(nw.col("weight") > 0).to_native()
    age = F.unix_micros(F.lit(midnight(cutoff))) - F.unix_micros("event_ts")
    decay = F.pow(F.lit(2.0), -age / (MICROSECONDS_PER_DAY * config.half_life_days))
    return (
        known.groupBy("user_id", "product_id")
        .agg(F.sum(F.col("weight") * decay).alias("weight"))
        .select(
            "user_id",
            "product_id",
            F.greatest(F.log1p("weight"), F.lit(FAINTEST_RATING)).alias("rating"),
        )
    )


def _numbered(pairs: "DataFrame", column: str) -> "DataFrame":
    """Each identifier with a whole number of 32 bits, which MLlib wants in its place.

    Identifiers are spread over buckets by their hash and counted in each, so no machine sees them
    all, and numbers depend on nothing but the identifiers.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812

    bucket = F.pmod(F.xxhash64(column), F.lit(_BUCKETS))
    place = F.row_number().over(Window.partitionBy("bucket").orderBy(column)) - 1
    return (
        pairs.select(column)
        .distinct()
        .withColumn("bucket", bucket)
        .select(
            column,
            (place * _BUCKETS + F.col("bucket")).cast("int").alias(column.removesuffix("_id")),
        )
    )


def _scaled(factors: "DataFrame", scale: float) -> "DataFrame":
    """The vectors times `scale`; see `recommenders.als.ALS` for the scale of an artefact."""
    from pyspark.sql import functions as F  # noqa: N812

    times = F.transform("features", lambda factor: (factor * scale).cast("float"))
    return factors.withColumn("features", times)


def _named(
    factors: "DataFrame", numbers: "DataFrame", column: str, entity: str, cutoff: date
) -> "DataFrame":
    """One side's factors as rows of the artefact."""
    named = factors.withColumnRenamed("id", column.removesuffix("_id")).join(
        numbers, column.removesuffix("_id")
    )
    return _rows(named.select(column, "features"), entity, cutoff)


def _mean_user(factors: "DataFrame", cutoff: date) -> "DataFrame":
    """The row of people without history; see `recommenders.factors.mean_user`."""
    from pyspark.ml.functions import array_to_vector, vector_to_array
    from pyspark.ml.stat import Summarizer
    from pyspark.sql import functions as F  # noqa: N812

    mean = vector_to_array(Summarizer.mean(array_to_vector("features")), "float32")
    return _rows(factors.agg(mean).select(F.lit(FALLBACK_USER), "*"), "user", cutoff)


def _rows(named: "DataFrame", entity: str, cutoff: date) -> "DataFrame":
    """`id, vector` with the artefact's other columns."""
    from pyspark.sql import functions as F  # noqa: N812

    return named.toDF("id", "vector").select(
        F.lit(cutoff).alias("cutoff"),
        F.lit(entity).alias("entity"),
        "id",
        "vector",
        F.lit(0.0).alias("bias"),
    )
