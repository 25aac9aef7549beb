"""The page's chapter on customer segments.

Belongs here: what it shows, from a `Report` to a `Section`. Does not belong here: how well models
work within segments (`comparison_chapters.py`) or sentences (`findings.py`).
"""

from persona_assets.notation import NOTHING, count, share
from persona_assets.report import findings
from persona_assets.report.collect import Report
from persona_assets.report.content import (
    Bold,
    Content,
    Paragraph,
    Section,
    Small,
    Table,
    Value,
    picture,
)
from persona_assets.segmentation.choice import is_stable
from persona_assets.segmentation.clustering_plots import (
    cleaning_figure,
    comparison_figure,
    migration_figure,
)
from persona_assets.segmentation.components_plot import components_figure
from persona_assets.segmentation.segment_plots import histograms_figure, radar_figure


def customers(report: Report) -> Section:
    """Who the customers are, what to do about them, and how sure that is."""
    body: list[Content] = [Paragraph(findings.customers(report), "finding")]
    if not report.customers.profiles.is_empty():
        body += [
            Paragraph(
                "Customers who behave alike form a segment. What sets it apart is told in medians: "
                "its own beside those of all other customers; “far” stands for a large effect, "
                "“slightly” for a small one, and negligible ones are left out (Cliff's δ). Spend "
                "is in the shop's currency, over the 52 weeks before the cut-off."
            ),
            _profiles(report),
            *_likeness(report),
            *_choice(report),
            *_migration(report),
            *_cleaning(report),
        ]
    return Section("customers", "Customer segments", body)


def _profiles(report: Report) -> Table:
    advised = is_stable(report.customers.chosen)

    def advice(action: str) -> list[Small]:
        return [Small(action, bold="What to do: ")] if advised else []

    ranked = report.customers.profiles.sort("revenue", "segment", descending=[True, False])
    return Table(
        ["segment", "what sets it apart, and what to do", "customers", "of all", "of revenue"],
        [
            [
                Bold(row["name"]),
                Value(row["description"], advice(row["action"])),
                count(row["customers"]),
                share(row["customer_share"], 1),
                share(row["revenue_share"], 1),
            ]
            for row in ranked.iter_rows(named=True)
        ],
        left=2,
    )


def _likeness(report: Report) -> list[Content]:
    """Pictures of the customers; none where they are not there."""
    found = report.customers
    if found.members.is_empty() or found.features.is_empty():
        return []
    return [
        picture(
            radar_figure(found.features, found.members, found.profiles),
            "Each segment's median customer, as percentile among all customers, with what to do",
        ),
        Paragraph(
            "On every axis the dashed line is the customer in the middle of all; further out is "
            "more.",
            "note",
        ),
        picture(
            histograms_figure(found.features, found.members),
            "Days since the last purchase, orders, spend and intervals within each segment",
        ),
        picture(components_figure(found.members), "Customers by their principal components"),
    ]


def _choice(report: Report) -> list[Content]:
    tried = report.customers.tried
    if tried.is_empty():
        return []
    return [
        Paragraph(
            "How many segments, and found how? Every number and method that was tried, by how well "
            "clusters are separated and by how alike they come out of two random samples of the "
            "customers (adjusted Rand index; 1: the same)."
        ),
        picture(comparison_figure(tried), "Quality over the number of clusters, by method"),
    ]


def _migration(report: Report) -> list[Content]:
    body: list[Content] = [Paragraph(findings.churn(report))]
    if not report.customers.migration.is_empty():
        figure = migration_figure(report.customers.migration, report.customers.names)
        body.append(picture(figure, "From which segment to which customers went, in shares"))
    return body


def _cleaning(report: Report) -> list[Content]:
    steps = report.customers.steps
    if steps.is_empty():
        return []
    return [
        Paragraph(findings.cleaning(report)),
        picture(cleaning_figure(steps), "Rows and customers left after each step of the cleaning"),
        Table(
            ["step", "taken away", "only marked", "rows left", "customers left"],
            [
                [
                    row["step"].replace("_", " "),
                    count(row["rows"]) if row["removes"] else NOTHING,
                    NOTHING if row["removes"] else count(row["rows"]),
                    count(row["rows_left"]),
                    count(row["customers_left"]),
                ]
                for row in steps.iter_rows(named=True)
            ],
        ),
    ]
