"""Plots of segments: they show the numbers of their tables, and every text can be read."""

import io
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from persona_assets.plotting import new_figure, png
from persona_assets.segmentation.clustering_plots import (
    METRICS,
    cleaning_figure,
    comparison_figure,
    migration_figure,
)
from persona_assets.segmentation.components_plot import SHOWN_POINTS, components_figure
from persona_assets.segmentation.profiles import segment_profiles
from persona_assets.segmentation.segment_plots import (
    BINS,
    DRAWN,
    HISTOGRAMS,
    RADAR,
    histograms_figure,
    median_ranks,
    radar_figure,
    segment_colours,
)
from persona_assets.tables.segmentation import (
    CLEANING_STEPS,
    CLUSTERING_COMPARISON,
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATION,
)

WEEKS = (date(2024, 3, 4), date(2024, 3, 11))
NAMES = (
    "Champions",
    "Lost after a return",
    "Small frequent orders",
    "Regulars who return",
    "Frequent returners",
    "Average customers",
    "Lapsing regulars",
    "Big baskets",
)
ACTION = (
    "Find out what comes back and why: sizes, descriptions, packaging; no free-shipping offers."
)


def shop(n_segments, each=30, components=4, known=True):
    """Customers of segments that lie apart, and their segments; every tenth one is unusual."""
    rng = np.random.default_rng(3)
    n = n_segments * each
    number = np.repeat(np.arange(1, n_segments + 1), each)
    users = [f"u{place:05d}" for place in range(n)]
    columns = {
        name: rng.lognormal(number / 2, 0.4) if known or name in ("gross_spend", "orders") else None
        for name in DRAWN
    }
    counts = ("orders", "products")
    customers = pl.DataFrame(
        {
            **{column.name: None for column in CUSTOMER_FEATURES.columns},
            **{"cutoff": [WEEKS[1]] * n, "user_id": users},
            **{name: value for name, value in columns.items() if value is not None},
            **{name: np.ceil(columns[name]) for name in counts if columns[name] is not None},
        }
    ).cast(dict(CUSTOMER_FEATURES.polars_schema))
    segments = pl.DataFrame(
        {
            **{"cutoff": WEEKS[1], "user_id": users, "segment": number},
            **{"name": [NAMES[place - 1] for place in number], "distance": 0.5, "margin": 0.5},
            "components": (rng.normal(size=(n, components)) + number[:, None]).tolist(),
            **{"outlier": np.arange(n) % 10 == 0, "anomaly": 0.5},
        }
    ).cast(dict(CUSTOMER_SEGMENTS.polars_schema))
    return customers, segments


def profiles_of(customers, segments):
    return segment_profiles(customers, segments, dict.fromkeys(range(1, 9), ACTION))


def texts(figure):
    """Every text that is drawn, with where; ticks outside of the view are not."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            first, last = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                shown = first <= tick.get_loc() <= last
                for label in (tick.label1, tick.label2):
                    if not shown or not label.get_visible():
                        hidden.add(label)
        if axes.name == "3d":
            hidden.update(axes.findobj(Text))
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]


def assert_readable(figure):
    """No text leaves the figure, and no two cover each other."""
    edge = figure.bbox
    found = texts(figure)
    assert found
    for text, box in found:
        assert edge.x0 <= box.x0 + 1, text
        assert box.x1 - 1 <= edge.x1, text
        assert edge.y0 <= box.y0 + 1, text
        assert box.y1 - 1 <= edge.y1, text
    for (one, first), (other, second) in combinations(found, 2):
        assert not first.padded(-1).overlaps(second.padded(-1)), (one, other)


def test_covered_texts_are_seen():
    figure = new_figure(3, 2)
    axes = figure.subplots()
    axes.text(0.5, 0.5, "one")
    assert_readable(figure)
    axes.text(0.52, 0.5, "other")
    with pytest.raises(AssertionError, match="one"):
        assert_readable(figure)


@pytest.mark.parametrize("n_segments", [1, 3, 4, 8])
def test_every_plot_of_segments_is_readable(n_segments):
    customers, segments = shop(n_segments)
    figures = (
        radar_figure(customers, segments, profiles_of(customers, segments)),
        histograms_figure(customers, segments),
        components_figure(segments),
    )
    for figure in figures:
        assert_readable(figure)
        assert len(png(figure)) < 100_000


def test_a_radar_says_who_how_many_and_what_to_do():
    customers, segments = shop(3)
    figure = radar_figure(customers, segments, profiles_of(customers, segments))
    said = [axes.texts[0].get_text() for axes in figure.axes if axes.texts]
    # Spend rises with the number, hence the last one has most revenue.
    assert said == [NAMES[2], NAMES[1], NAMES[0]]
    assert figure.axes[0].texts[1].get_text().startswith("33 % of customers, ")
    assert " ".join(figure.axes[0].get_xlabel().split()) == ACTION


def test_ranks_of_a_radar_by_hand():
    """Orders 1, 1, 2 | 3, 9: medians 1 and 6; a fifth ranks 0–20, and so on."""
    customers, segments = shop(5, each=1)
    orders = pl.Series("orders", [1, 1, 2, 3, 9])
    customers = customers.with_columns(orders, recency_days=orders.cast(pl.Float64))
    segments = segments.with_columns(pl.Series("segment", [1, 1, 1, 2, 2]), name=pl.lit("x"))
    ranks = median_ranks(customers, segments)
    place = [axis.feature for axis in RADAR].index("orders")
    assert [ranks[number][place] for number in (1, 2)] == [20, 80]
    reverse = [axis.feature for axis in RADAR].index("recency_days")
    assert [ranks[number][reverse] for number in (1, 2)] == [80, 20]
    unknown = customers.with_columns(return_rate=pl.lit(None, pl.Float64))
    returns = [axis.feature for axis in RADAR].index("return_rate")
    assert {values[returns] for values in median_ranks(unknown, segments).values()} == {0}


def test_histograms_hold_every_customer_and_their_median():
    customers, segments = shop(2)
    figure = histograms_figure(customers, segments)
    assert len(figure.axes) == 2 * len(HISTOGRAMS)
    for axes in figure.axes:
        for patch in axes.patches:
            values = patch.get_data().values
            assert len(values) == BINS
            assert values.sum() == pytest.approx(1)
    spend = [axis.feature for axis in HISTOGRAMS].index("gross_spend")
    for line, number in enumerate((1, 2)):
        own = customers.join(segments.filter(segment=number), on="user_id")["gross_spend"]
        written = figure.axes[line * len(HISTOGRAMS) + spend].texts[0].get_text()
        assert float(written) == pytest.approx(own.median(), abs=0.5)


def test_histograms_of_what_nobody_has_are_empty():
    customers, segments = shop(2, known=False)
    figure = histograms_figure(customers, segments)
    assert_readable(figure)
    assert [axes.get_xlabel() for axes in figure.axes[:3]] == ["not known", "", ""]
    assert not figure.axes[0].texts


@pytest.mark.parametrize(("components", "panels"), [(1, 1), (2, 1), (3, 2), (6, 2)])
def test_components_are_drawn_in_as_many_dimensions_as_there_are(components, panels):
    _, segments = shop(8, components=components)
    figure = components_figure(segments)
    assert_readable(figure)
    assert len(figure.axes) == panels
    crosses = [points for points in figure.axes[0].collections if points.get_label()[0] == "_"]
    assert sum(len(points.get_offsets()) for points in crosses) == segments["outlier"].sum()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(NAMES)


def test_many_customers_are_sampled_the_same_way_every_time():
    _, segments = shop(3, each=SHOWN_POINTS)
    figure = components_figure(segments, seed=1)
    drawn = sum(len(points.get_offsets()) for points in figure.axes[0].collections)
    assert drawn == SHOWN_POINTS
    turned = segments.sample(fraction=1, shuffle=True, seed=5)
    assert png(components_figure(turned, seed=1)) == png(figure)
    assert png(components_figure(segments, seed=2)) != png(figure)


def test_segments_have_the_same_colour_in_every_plot():
    customers, segments = shop(3)
    colours = segment_colours(segments)
    radar = radar_figure(customers, segments, profiles_of(customers, segments))
    by_name = {axes.texts[0].get_text(): axes.texts[0].get_color() for axes in radar.axes[:3]}
    assert by_name == {NAMES[number - 1]: hue for number, hue in colours.items()}
    histograms = histograms_figure(customers, segments)
    labels = [histograms.axes[line * len(HISTOGRAMS)].yaxis.label for line in range(3)]
    assert [label.get_color() for label in labels] == list(colours.values())


def tried(ks=range(3, 9), found=2):
    rows = [
        {
            **{"cutoff": week, "method": method, "k": k, "silhouette": 0.3 - k / 100},
            **{"calinski_harabasz": 1000.0 - k, "davies_bouldin": 1 + k / 10},
            **{"gap": k / 10 if method == "k_means" else None, "gap_se": 0.01},
            **{"stability": 0.9, "stability_low": 0.85, "stability_high": 0.95},
            **{"noise_share": 0.0, "chosen": method == "k_means" and k == 4},
        }
        for week in WEEKS
        for method in ("k_means", "gaussian_mixture")
        for k in ks
    ]
    hdbscan = {"cutoff": WEEKS[1], "method": "hdbscan", "k": found, "noise_share": 0.305}
    if found > 1:
        hdbscan |= {"silhouette": 0.2, "calinski_harabasz": 90.0, "davies_bouldin": 0.9}
    rows.append({**hdbscan, "chosen": False})
    return pl.DataFrame(rows, schema=CLUSTERING_COMPARISON.polars_schema)


@pytest.mark.parametrize(("ks", "found"), [(range(3, 9), 2), (range(2, 16), 0), ((4,), 14)])
def test_comparison_rings_what_was_chosen(ks, found):
    figure = comparison_figure(tried(ks, found))
    assert_readable(figure)
    assert len(png(figure)) < 100_000
    for axes, (metric, title) in zip(figure.axes, METRICS.items(), strict=False):
        assert axes.get_title(loc="left") == title
        ring = next(line for line in axes.get_lines() if line.get_markersize() == 13)
        row = tried(ks, found).filter("chosen", cutoff=WEEKS[1])
        assert ring.get_xdata() == [4]
        assert ring.get_ydata() == row[metric].to_list()
    said = f"finds {found}, 30 % in none" if found else "finds no clusters"
    assert f"HDBSCAN: {said}" in [
        text.get_text() for text in figure.axes[-1].get_legend().get_texts()
    ]


def moved(n_segments):
    rows = [
        {
            **{"cutoff": WEEKS[1], "from_cutoff": WEEKS[0], "from_segment": went},
            **{"to_segment": came, "customers": 1000 + came, "share": 1 / (n_segments + 1)},
        }
        for went in range(n_segments + 1)
        for came in range(n_segments + 1)
        if went or came
    ]
    old = {**rows[0], "cutoff": WEEKS[0], "customers": 77}
    return pl.DataFrame([old, *rows], schema=SEGMENT_MIGRATION.polars_schema)


@pytest.mark.parametrize("n_segments", [1, 3, 8])
def test_migration_is_readable_and_of_the_newest_cut_off(n_segments):
    names = dict(enumerate(NAMES[:-1], start=1))
    figure = migration_figure(moved(n_segments), names)
    assert_readable(figure)
    axes = figure.axes[0]
    cells = [text.get_text() for text in axes.texts]
    assert len(cells) == (n_segments + 1) ** 2 - 1
    assert not any("77" in cell for cell in cells)
    rows = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert rows[-1] == "new customers"
    assert rows[0] == "Champions"
    if n_segments == 8:
        assert rows[7] == "segment 8"
    assert axes.get_xlabel() == f"segment at {WEEKS[1]}"


def test_few_customers_are_not_rounded_to_none_nor_many_to_all():
    rows = moved(1).with_columns(share=pl.lit(0.996))
    assert {t.get_text()[:6] for t in migration_figure(rows, {}).axes[0].texts} == {"> 99 %"}
    rows = moved(1).with_columns(share=pl.lit(0.002))
    assert {t.get_text()[:5] for t in migration_figure(rows, {}).axes[0].texts} == {"< 1 %"}


def test_cleaning_shows_what_each_step_takes_and_what_it_only_marks():
    steps = [
        ("delivered", 0, 541_909, 4_372, False),
        ("missing_user", 135_080, 406_829, 4_372, True),
        ("customers_without_purchase", 300, 406_529, 4_330, True),
        ("outliers", 60_000, 406_529, 4_330, False),
    ]
    table = pl.DataFrame(
        [
            (WEEKS[1], place, *step[:2], 0, *step[2:4], 1.0, step[4])
            for place, step in enumerate(steps)
        ],
        schema=CLEANING_STEPS.polars_schema,
        orient="row",
    )
    figure = cleaning_figure(table)
    assert_readable(figure)
    rows, customers = ([text.get_text().strip() for text in axes.texts] for axes in figure.axes)
    assert rows == [
        "541,909",
        "406,829  (−135,080)",
        "406,529  (−300)",
        "406,529  (60,000 marked)",
    ]
    assert customers == ["4,372", "4,372", "4,330  (−42)", "4,330"]


def test_fewer_colours_are_not_seen():
    customers, segments = shop(6)
    figure = radar_figure(customers, segments, profiles_of(customers, segments))
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # otherwise every drawing moves texts by fractions of a pixel
    whole = io.BytesIO()
    figure.savefig(whole, format="png", dpi=90)
    reduced = Image.open(io.BytesIO(png(figure))).convert("RGB")
    exact = np.asarray(Image.open(whole).convert("RGB"), dtype=int)
    assert np.abs(np.asarray(reduced, dtype=int) - exact).max() <= 16
    assert len(png(figure)) < len(whole.getvalue()) / 2
