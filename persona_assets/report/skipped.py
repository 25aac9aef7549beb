"""What the shop's data were insufficient for, as the report tells it: by subject, not by table.

Belongs here: gathering the rows of `monitoring/skipped` under what a reader would call them.
Does not belong here: finding out what is skipped (`persona_assets.skipped` says who does), or
layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from persona_assets.notation import listed
from persona_assets.recommenders import MODELS
from persona_assets.report.checks import MOST_PARTITIONS
from persona_assets.report.collect import Report
from persona_assets.tables import TABLES, Table, raw

_MODEL_OF = {model.artefact.path: name for name, model in MODELS.items()}
SUBJECTS: Mapping[str, str] = {
    "features/item_embeddings": "embeddings",
    "features/user_embeddings": "embeddings",
    "feature_store/training_set": "training set",
    "recommendations/top_k": "recommendations",
    "evaluation/offline_metrics": "metrics of the models",
    "evaluation/recommendation_analysis": "metrics of the models",
    "evaluation/segment_metrics": "metrics of the models",
    "evaluation/pairwise_comparison": "metrics of the models",
    "evaluation/model_comparison": "comparison of the models",
    "evaluation/replay_validation": "replay over the weeks",
    "evaluation/staleness": "ageing of the lists",
    "monitoring/data_drift": "drift",
    "monitoring/data_quality": "data quality",
    "experiments/ab_test_simulation": "A/B test",
    "experiments/planted_effects": "A/B test",
    "experiments/ab_test_results": "A/B test",
    "segmentation/customer_features": "customer segments",
    "segmentation/segmentation_model": "customer segments",
    "segmentation/clustering_comparison": "customer segments",
    "segmentation/customer_segments": "customer segments",
    "segmentation/segment_profiles": "customer segments",
    "segmentation/segment_traits": "customer segments",
    "segmentation/cleaning_steps": "cleaning of purchases",
    "segmentation/segment_migration": "migration between segments",
}
"""What a table is about; models' artefacts are about the model, others about themselves."""
NOT_TRAINED, SKIPPED = "not trained", "skipped"
"""What became of a model, and of anything else."""
_OPTIONAL = (raw.USERS, raw.PRODUCTS, raw.ORDERS, raw.SEARCH_LOGS)


@dataclass(frozen=True)
class Gap:
    """One subject that is missing for one reason.

    Attributes:
        subject: a model, a metric, or what the tables are about.
        outcome: `not trained` or `skipped`.
        reason: as it is read after "because".
        partitions: cut-offs or days, sorted; none: of tables without.
        tables: all that lack it, in the order of the graph.
    """

    subject: str
    outcome: str
    reason: str
    partitions: tuple[str, ...]
    tables: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """`content: not trained, because …`."""
        return f"{self.subject}: {self.outcome}, because {self.reason}"


def gaps(report: Report) -> list[Gap]:
    """What is missing, in the order of the graph.

    Of the tables about one subject the first in the graph says why; the others lack it as a
    consequence.
    """
    order = {path: place for place, path in enumerate(TABLES)}
    said: dict[tuple[str, str], dict[str, str]] = {}
    tables: dict[tuple[str, str], list[str]] = {}
    rows = sorted(
        report.skipped.iter_rows(named=True), key=lambda row: order.get(row["table"], len(order))
    )
    for row in rows:
        subject = _subject(row["table"], row["part"])
        said.setdefault(subject, {}).setdefault(row["partition"], row["reason"])
        if row["table"] not in tables.setdefault(subject, []):
            tables[subject].append(row["table"])
    found = []
    for subject, reasons in said.items():
        # A table over all cut-offs repeats what is said of one of them.
        dated = {partition: reason for partition, reason in reasons.items() if partition}
        by_reason: dict[str, list[str]] = {}
        for partition, reason in (dated or reasons).items():
            by_reason.setdefault(reason, []).append(partition)
        found += [
            Gap(*subject, reason, tuple(sorted(filter(None, partitions))), tuple(tables[subject]))
            for reason, partitions in by_reason.items()
        ]
    return found


def _subject(table: str, part: str) -> tuple[str, str]:
    """What is missing, and what became of it."""
    model = part if part in MODELS else _MODEL_OF.get(table)
    if model is not None:
        return model, NOT_TRAINED
    about = SUBJECTS.get(table, table)
    return f"{part.replace('_', ' ')} ({about})" if part else about, SKIPPED


def when_of(gap: Gap) -> str:
    """The partitions of a gap in words: the newest, and how many more."""
    shown = ", ".join(gap.partitions[-MOST_PARTITIONS:])
    more = len(gap.partitions) - MOST_PARTITIONS
    return f"{shown} and {more} earlier" if more > 0 else shown


def why(report: Report, *tables: Table) -> str | None:
    """Why the newest partition of the first of `tables` that has nothing at all has nothing."""
    for table in tables:
        rows = report.skipped.filter(table=table.path, part="").sort("partition")
        if rows.height:
            return str(rows["reason"][-1])
    return None


def not_delivered(report: Report) -> str | None:
    """What the shop has delivered no row of, in words; None: there is some of everything."""
    lacking = [
        table.name.replace("_", " ")
        for table in _OPTIONAL
        if table.path in report.tables and not report.tables[table.path].rows
    ]
    return f"Not delivered: {listed(lacking)}." if lacking else None


def summary(report: Report) -> str:
    """How much is missing, in a sentence."""
    found = gaps(report)
    if not found:
        return "Nothing: the shop's data sufficed for everything."
    models = sorted({gap.subject for gap in found if gap.subject in MODELS})
    others = len({gap.subject for gap in found} - set(models))
    clauses = []
    if models:
        clauses.append(f"{listed(models)} could not be trained")
    if others:
        clauses.append(f"{others} other part{'s' if others > 1 else ''} could not be computed")
    return f"From this shop's data {' and '.join(clauses)}; the rest is not affected."
