"""The page's chapters that take the comparison of models apart: by pair, by segment, by age.

Belongs here: what each of these chapters shows, from a `Report` to a `Section`. Does not belong
here: models over all users (`model_chapters.py`) or sentences (`findings.py`).
"""

import polars as pl

from persona_assets.evaluation.evaluation_plots import SHOWN_K, TITLES, staleness_figure
from persona_assets.evaluation.oracle import ORACLE
from persona_assets.notation import NOTHING, counted, interval, number, p_value
from persona_assets.report import findings
from persona_assets.report.collect import Report
from persona_assets.report.content import (
    Cell,
    Content,
    Folded,
    Paragraph,
    Section,
    Table,
    Value,
    picture,
)

_METRIC = f"{TITLES[findings.PRIMARY]}@{SHOWN_K}"
_KINDS = {
    "known": "how well the shop knows them",
    "activity": "activity before the cut-off (thirds)",
    "country": "country",
    "customer_segment": "customer segment (see below)",
    "price_tier": "prices of what they went for (thirds)",
}

_PAIRS_IN_VIEW = 15
"""Rows of the table of pairs that need no click; fifteen models are 105 pairs."""


def pairs(report: Report) -> Section:
    """Every model against every other."""
    body: list[Content] = [Paragraph(findings.pairs(report), "finding")]
    rows = findings.primary(report.pairs)
    ranked = rows.sort(-pl.col("difference").abs(), "model", "other")
    if not rows.is_empty():
        body += [
            Paragraph(
                "Each pair is tested on the same users, by flipping the signs of their "
                "differences; the verdict is that of the p-value after Holm's correction over all "
                f"pairs, for {counted(rows['users'][0], 'user')}. Brackets are 95 % intervals, not "
                "corrected. The last column is the difference that would be found in 80 % of such "
                "comparisons: a smaller one may be there and be missed."
            ),
            _pair_table(ranked.head(_PAIRS_IN_VIEW)),
        ]
        if ranked.height > _PAIRS_IN_VIEW:
            others = counted(ranked.height - _PAIRS_IN_VIEW, "smaller difference")
            body.append(Folded(others, _pair_table(ranked[_PAIRS_IN_VIEW:])))
    return Section("pairs", "Models pair by pair", body)


def _pair_table(rows: pl.DataFrame) -> Table:
    return Table(
        ["model", "other", f"difference of {_METRIC}", "adjusted p", "detectable"],
        [
            [
                row["model"],
                row["other"],
                Value(
                    f"{row['difference']:+.3f}",
                    [interval(row["low"], row["high"]), row["verdict"]],
                ),
                p_value(row["adjusted_p_value"]),
                number(row["minimum_detectable"]),
            ]
            for row in rows.iter_rows(named=True)
        ],
        left=2,
    )


def segments(report: Report) -> Section:
    """The deciding metric within segments of users."""
    body: list[Content] = [Paragraph(findings.cold_start(report), "finding")]
    rows = findings.primary(report.segments)
    if not rows.is_empty():
        body.append(
            Paragraph(
                f"{_METRIC} of each model within segments of the evaluated users. Cold users were "
                "not known before and are served the list for people without history; they count "
                "in no other table."
            )
        )
        for kind, title in _KINDS.items():
            of_kind = rows.filter(pl.col("kind") == kind)
            if not of_kind.is_empty():
                body += [Paragraph(f"By {title}:"), _segment_table(of_kind, report)]
    return Section("segments", "For whom models work", body)


def _segment_table(rows: pl.DataFrame, report: Report) -> Table:
    by_key = {(row["model"], row["segment"]): row for row in rows.iter_rows(named=True)}
    users = dict(rows.select("segment", "users").unique().sort("segment").iter_rows())
    ranked = [model for model in findings.models(report) if model != ORACLE]
    named = [model for model in ranked if (model, next(iter(users))) in by_key] or sorted(
        set(rows["model"])
    )
    return Table(
        ["model", *(f"{segment} ({counted(users[segment], 'user')})" for segment in users)],
        [[model, *(_value(by_key.get((model, segment))) for segment in users)] for model in named],
    )


def _value(row: dict | None) -> Cell:
    if row is None:
        return NOTHING
    return Value(number(row["value"]), [interval(row["low"], row["high"])])


def ages(report: Report) -> Section:
    """What older trainings are worth."""
    body: list[Content] = [Paragraph(findings.ages(report), "finding")]
    if not findings.primary(report.ages).is_empty():
        body += [
            Paragraph(
                "Each of the newest weeks is evaluated with the lists of its own training and of "
                "those one to three weeks older, on the same users and the same truth; what a "
                "user has met since is taken out of the older lists."
            ),
            picture(staleness_figure(report.ages), f"Change of {_METRIC} with age, mean of weeks"),
        ]
    return Section("staleness", "How models age", body)
