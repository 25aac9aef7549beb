"""Customer segmentation: beside an earlier public pipeline, how good, how stable and how fast.

    python performance/segmentation.py [--data ../shared/data] [--parts earlier,ours,speed]
                                      [--customers 1000000]

- earlier: customers after each step of the earlier pipeline (`earlier_segmentation.py`) and of ours
  on UCI Online Retail, with the reason of each difference; its published quality computed again;
  its defects counted.
- ours: separation and stability of our segments of the same shop, and of the earlier pipeline's by
  the same measures.
- speed: wall and processor seconds of each step of the group and its peak memory, on Online Retail
  and on generated customers, each in a process of its own (Linux). Reading and writing tables does
  not count, reading the mart from Parquet does.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import narwhals as nw
import polars as pl
from earlier_segmentation import Earlier, earlier, labels_of
from generated_customers import generated

from persona_assets.evaluation.segments import countries
from persona_assets.segmentation import clustering_quality, profiles
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.segmentation.preprocessing import Preprocessing
from persona_assets.segmentation.reference_customers import REFERENCE_CUSTOMERS
from persona_assets.segmentation.segmenting import Segmentation, segment_customers
from persona_assets.sources.online_retail import OnlineRetail
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected
from persona_assets.transforms.cleaning_steps import count_cleaning_steps
from persona_assets.transforms.customer_features import WINDOW_DAYS, compute_customer_features
from persona_assets.transforms.pseudonyms import pseudonym

END = date(2011, 12, 12)
"""Cut-off of the whole data set: the Monday after its last day."""
GENERATED_END = date(2025, 1, 6)
KEY = b"benchmark"
CONFIG = SegmentationConfig()
ACTIONS = {each.number: each.action for each in REFERENCE_CUSTOMERS}
PUBLISHED_QUALITY = {3: (0.2233, None, None), 4: (0.2312, 1085.8, 1.349)}
"""k → silhouette, Calinski-Harabasz and Davies-Bouldin index of the earlier pipeline."""
PUBLISHED_COUNTS = (4_362, 4_282, 4_067)


class Shop(NamedTuple):
    """What the group reads."""

    events: pl.DataFrame
    quarantine: pl.DataFrame
    interactions: pl.DataFrame
    countries: pl.DataFrame
    products: pl.DataFrame


def main() -> None:
    """Print the tables asked for."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--parts", default="earlier,ours,speed")
    arguments.add_argument("--customers", type=int, default=1_000_000)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--store", help=argparse.SUPPRESS)
    arguments.add_argument("--timed", action="store_true", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.folder is not None:
        timed(asked.folder) if asked.timed else store(asked.store, asked.folder)
        return
    file = asked.data / "online_retail.parquet"
    parts = asked.parts.split(",")
    if "earlier" in parts or "ours" in parts:
        lines, shop = pl.read_parquet(file), online_retail(file)
        theirs = earlier(lines)
        customers = features_of(shop, END)
        made = segment_customers(customers, cutoff=END, config=CONFIG)
        if "earlier" in parts:
            print_counts(theirs, lines, shop, customers, made)
            print_reproduced(theirs)
            print_defects(theirs)
        if "ours" in parts:
            print_quality(theirs, customers, made)
    if "speed" in parts:
        print_speed(file, asked.customers)


def online_retail(file: Path) -> Shop:
    """The data set through the mart's cleaning."""
    source = OnlineRetail(file)
    days = [source.start + timedelta(days=n) for n in range((source.end - source.start).days)]
    events, products = source.events(days), source.products()
    cleaned = collected(clean(lazy(events), lazy(products), key=KEY, weights=DEFAULT_WEIGHTS))
    return Shop(
        events,
        collected(rejected(lazy(cleaned))),
        collected(accepted(lazy(cleaned))),
        countries(source.users(), KEY),
        products,
    )


def lazy(frame: pl.DataFrame) -> nw.LazyFrame:
    """A frame as transforms take it."""
    return nw.from_native(frame.lazy())


def collected(frame: nw.LazyFrame) -> pl.DataFrame:
    """The rows of a lazy frame."""
    return frame.collect("polars").to_native()


def features_of(shop: Shop, cutoff: date) -> pl.DataFrame:
    """Customers on the eve of `cutoff`."""
    frames = (lazy(frame) for frame in (shop.interactions, shop.countries, shop.products))
    return collected(compute_customer_features(*frames, cutoff=cutoff))


def print_counts(
    theirs: Earlier,
    lines: pl.DataFrame,
    shop: Shop,
    customers: pl.DataFrame,
    made: Segmentation,
) -> None:
    """Customers after each step, theirs and ours, and where ours differ."""
    frames = (lazy(f) for f in (shop.events, shop.quarantine, shop.interactions, made.segments))
    steps = count_cleaning_steps(*frames, cutoff=END)
    print(f"\nOnline Retail, our steps from delivered rows to segments, cut-off {END}\n")
    print("| step | rows | customers | rows left | customers left | amount left |")
    print("|---|---:|---:|---:|---:|---:|")
    for row in steps.iter_rows(named=True):
        marks = "" if row["removes"] or row["position"] == 0 else " (marks only)"
        print(
            f"| {row['step']}{marks} | {row['rows']:,} | {row['customers']:,} "
            f"| {row['rows_left']:,} | {row['customers_left']:,} | {row['amount_left']:,.2f} |"
        )
    left = {row["step"]: row["customers_left"] for row in steps.iter_rows(named=True)}
    counts = [theirs.after_rfm, theirs.after_seasonality, theirs.after_outliers]
    stages = (
        ("after cleaning and RFM", customers.height),
        ("after seasonality (ours: with a purchase)", left["customers_without_purchase"]),
        ("after outliers", left["outliers"]),
    )
    print("\nOnline Retail, customers\n")
    print("| step | earlier, published | earlier, computed again | ours |\n|---|---:|---:|---:|")
    for (stage, ours), published, frame in zip(stages, PUBLISHED_COUNTS, counts, strict=True):
        print(f"| {stage} | {published:,} | {frame.height:,} | {ours:,} |")
    _explain(theirs, lines, shop, customers, made)


def _explain(
    theirs: Earlier,
    lines: pl.DataFrame,
    shop: Shop,
    customers: pl.DataFrame,
    made: Segmentation,
) -> None:
    names = {
        pseudonym(str(each), KEY): str(each)
        for each in lines["CustomerID"].drop_nulls().unique().to_list()
    }
    own = {names[each] for each in customers["user_id"]}
    whole_mart = {names[each] for each in shop.interactions["user_id"].unique()}
    rfm = set(theirs.after_rfm["CustomerID"].cast(pl.String))
    seasonal = set(theirs.after_seasonality["CustomerID"].cast(pl.String))
    single = rfm - seasonal
    without = {names[each] for each in customers.filter(pl.col("orders") == 0)["user_id"]}
    outliers = made.segments["outlier"].sum()
    start = END - timedelta(days=WINDOW_DAYS)
    dropped = theirs.after_seasonality.height - theirs.after_outliers.height
    print(
        f"""
Where ours differ:
- {len((rfm & whole_mart) - own)} of theirs bought and returned only before {start}. Our customers
  are those of the 52 weeks before a cut-off, equally long at every one; the file is longer.
- {len(rfm - whole_mart)} of theirs have no line left in our mart; {len(own - rfm)} of ours are not
  among theirs.
- {len(single)} of theirs vanish between RFM and seasonality: from their single line to the next
  there are no days. {len(single & own)} of them are customers of ours.
- {len(without)} of ours only returned in the window: they have features, but no segment.
- {dropped} of theirs are dropped as outliers; {outliers} of ours are flagged, shape no segment and
  are assigned to one."""
    )


def print_reproduced(theirs: Earlier) -> None:
    """The published quality figures, computed again by the same protocol."""
    pairwise = clustering_quality.pairwise_distances(theirs.points)
    print(f"\nThe earlier protocol, {theirs.points.shape[1]} components\n")
    print("| k | | silhouette | Calinski-Harabasz | Davies-Bouldin |\n|---|---|---:|---:|---:|")
    for k, published in PUBLISHED_QUALITY.items():
        cells = ["" if value is None else f"{value:g}" for value in published]
        print(f"| {k} | published | {' | '.join(cells)} |")
        found = clustering_quality.separation(theirs.points, labels_of(theirs.points, k), pairwise)
        print(f"| {k} | computed again | {found[0]:.4f} | {found[1]:.1f} | {found[2]:.3f} |")


def print_defects(theirs: Earlier) -> None:
    """How many customers each of its defects concerns."""
    features = theirs.after_seasonality
    rate, own = pl.col("cancellation_rate"), pl.col("cancellations") / pl.col("invoices")
    single = pl.col("invoices") == 1
    figures = {
        "customers with a cancellation rate above 1": features.select((rate > 1).sum()).item(),
        "the largest of these rates": features["cancellation_rate"].max(),
        "share of customers whose rate is their own": features.select((rate == own).mean()).item(),
        "customers of one invoice": features.select(single.sum()).item(),
        "of these with 0 days between purchases": features.select(
            (single & (pl.col("days_between") == 0)).sum()
        ).item(),
        "customers of negative spend": theirs.after_rfm.select((pl.col("spend") < 0).sum()).item(),
    }
    print("\nDefects of the earlier protocol\n")
    print("| | |\n|---|---:|")
    for name, value in figures.items():
        print(f"| {name} | {round(value, 3):g} |")


def print_quality(theirs: Earlier, customers: pl.DataFrame, made: Segmentation) -> None:
    """Separation and stability, both protocols by the same measures."""
    print("\nOnline Retail, separation and stability (adjusted Rand index of bootstrap pairs)\n")
    print("| protocol | k | silhouette | Calinski-Harabasz | Davies-Bouldin | stability |")
    print("|---|---:|---:|---:|---:|---|")
    pairwise = clustering_quality.pairwise_distances(theirs.points)
    for k in PUBLISHED_QUALITY:
        labels = labels_of(theirs.points, k)
        stable = clustering_quality.stability(
            theirs.points,
            clustering_quality.fit_k_means(k),
            pairs=CONFIG.bootstraps,
            seed=CONFIG.seed,
        )
        found = clustering_quality.separation(theirs.points, labels, pairwise)
        print(_quality_row("earlier", k, *found, *stable))
    names = (
        "k", "silhouette", "calinski_harabasz", "davies_bouldin", "stability", "stability_low",
        "stability_high",
    )  # fmt: skip
    for row in made.comparison.sort("method", "k").iter_rows(named=True):
        if row["method"] == "k_means" or row["silhouette"] is not None:
            chosen = " (chosen)" if row["chosen"] else ""
            print(_quality_row(f"ours, {row['method']}{chosen}", *(row[name] for name in names)))
    _print_everybody(customers, made)
    print("\nSegments\n\n| number | name | customers | revenue share | median recency, days |")
    print("|---:|---|---:|---:|---:|")
    traits = profiles.segment_traits(customers, made.segments)
    recency = dict(
        traits.filter(pl.col("feature") == "recency_days").select("segment", "median").iter_rows()
    )
    for row in profiles.segment_profiles(customers, made.segments, ACTIONS).iter_rows(named=True):
        print(
            f"| {row['segment']} | {row['name']} | {row['customers']:,} "
            f"| {row['revenue_share']:.1%} | {recency[row['segment']]:.0f} |"
        )


def _quality_row(protocol: str, k: int, *values: float | None) -> str:
    silhouette, calinski, davies, mean, low, high = (
        "" if value is None else value for value in values
    )
    cells = [
        f"{silhouette:.4f}" if silhouette != "" else "",
        f"{calinski:.1f}" if calinski != "" else "",
        f"{davies:.3f}" if davies != "" else "",
        f"{mean:.3f} [{low:.3f}, {high:.3f}]" if mean != "" else "",
    ]
    return f"| {protocol} | {k} | {' | '.join(cells)} |"


def _print_everybody(customers: pl.DataFrame, made: Segmentation) -> None:
    """The same with outliers in: whoever drops them makes clusters look better."""
    segments = made.segments.sort("user_id")
    known = customers.join(segments, on="user_id", how="semi").sort("user_id")
    points = Preprocessing.fit(known, explained_variance=CONFIG.explained_variance).components(
        known
    )
    labels = segments["segment"].to_numpy()
    found = clustering_quality.separation(
        points, labels, clustering_quality.pairwise_distances(points)
    )
    print(
        f"| ours, outliers assigned too | {segments['segment'].n_unique()} | {found[0]:.4f} "
        f"| {found[1]:.1f} | {found[2]:.3f} | |"
    )


def print_speed(file: Path, number: int) -> None:
    """Seconds and memory of the group's steps, on two shops."""
    with tempfile.TemporaryDirectory() as folder:
        for name, source in (
            ("Online Retail", file.resolve()),
            (f"{number:,} generated customers", number),
        ):
            print(f"\nSpeed, {name}\n", flush=True)
            place = Path(folder) / name.replace(" ", "_")
            place.mkdir()
            # Processes of their own, lest what one takes counts for the other.
            for words in (("--store", str(source)), ("--timed",)):
                command = [sys.executable, __file__, "--folder", str(place), *words]
                subprocess.run(command, check=True)


def store(source: str, place: Path) -> None:
    """Write what the group reads: of a file of Online Retail, or of so many customers."""
    generate = source.isdigit()
    shop = generated(int(source), GENERATED_END) if generate else online_retail(Path(source))
    for name, frame in shop._asdict().items():
        frame.write_parquet(place / f"{name}.parquet")


def timed(place: Path) -> None:
    """Run the group's steps over the tables of a folder and print what they take."""

    def scanned(name: str) -> nw.LazyFrame:
        return nw.from_native(pl.scan_parquet(place / f"{name}.parquet"))

    cutoff = END if (place / "events.parquet").is_file() else GENERATED_END
    print("| step | rows | wall, s | processor, s |\n|---|---:|---:|---:|")
    started = time.perf_counter(), time.process_time()

    def step(name: str, work: Callable[[], pl.DataFrame | Segmentation]) -> pl.DataFrame:
        begun = time.perf_counter(), time.process_time()
        result = work()
        rows = result.segments.height if isinstance(result, Segmentation) else result.height
        _line(name, f"{rows:,}", begun)
        return result

    sides = [scanned(name) for name in ("interactions", "countries", "products")]
    customers = step(
        "customer_features", lambda: collected(compute_customer_features(*sides, cutoff=cutoff))
    )
    made = step(
        "customer_segments, segmentation_model, clustering_comparison",
        lambda: segment_customers(customers, cutoff=cutoff, config=CONFIG),
    )
    step("segment_profiles", lambda: profiles.segment_profiles(customers, made.segments, ACTIONS))
    step("segment_traits", lambda: profiles.segment_traits(customers, made.segments))
    if (place / "events.parquet").is_file():
        raw = [scanned(name) for name in ("events", "quarantine", "interactions")]
        step(
            "cleaning_steps",
            lambda: count_cleaning_steps(*raw, lazy(made.segments), cutoff=cutoff),
        )
    _line("**all**", "", started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\nPeak memory {peak:.1f} GB; segments chosen: {made.segments['segment'].n_unique()}")


def _line(name: str, rows: str, begun: tuple[float, float]) -> None:
    wall, processor = time.perf_counter() - begun[0], time.process_time() - begun[1]
    print(f"| {name} | {rows} | {wall:.1f} | {processor:.1f} |", flush=True)


if __name__ == "__main__":
    main()
