"""The command `persona demo`.

Belongs here: the demo's shop, its sizes, and its promotion. Does not belong here: bringing a home
up to date (`run.py`).
"""

from datetime import UTC, date, datetime

import click

from persona_assets.cli.models import side_information_at, store_of
from persona_assets.cli.output import say
from persona_assets.cli.run import bring_up_to_date
from persona_assets.errors import UserError
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.settings import Settings, SourceSettings

# A first look: two weeks show that there is a replay, 20 products are as deep as lists are
# evaluated.
WEEKS = 2
TOP_K = 20
SEGMENTATION = SegmentationConfig(sample=1_000, bootstraps=3, most_k=6)


SHOP = SourceSettings(
    name="synthetic",
    start=date(2025, 1, 1),
    end=date(2025, 3, 2),
    options={"users": 3000, "products": 1200, "seed": 7},
)


@click.command()
def demo() -> None:
    """Generate a small shop, materialize the whole graph, and show the report.

    The model that was best in the first evaluated week is promoted if the second one proves it.
    """
    bring_up_to_date(
        SHOP,
        weeks=WEEKS,
        changes={"top_k": TOP_K, "segmentation": SEGMENTATION},
        identifiers_are_public=True,
        at_begin=_use_demo_sizes,
        before_reports=_promote,
    )


def _use_demo_sizes(current: Settings) -> None:
    from persona_assets.lifecycle.demo_sizes import use_demo_sizes

    use_demo_sizes(store_of(current), now=datetime.now(UTC))


def _promote(current: Settings) -> None:
    """Ask the gate for the first champion; without one, popularity goes on serving."""
    from persona_assets.lifecycle import promotion

    store = store_of(current)
    if promotion.champion(store) is not None:
        return
    try:
        name, measured = promotion.promote_best(
            store,
            exclude=current.exclude,
            seed=current.seed,
            now=datetime.now(UTC),
            side_information=side_information_at(store, current),
        )
    except UserError as error:
        say(f"nothing was promoted: {error}")
        return
    say(f"promoted {name}: {measured.summary()}")
