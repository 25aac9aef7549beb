"""What every recommender offers, and what its configuration promises.

Belongs here: the base class of the models and of their configurations. Does not belong here: any
particular model (one file each in `models/`) or the table that names them
(`recommenders/__init__.py`).
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, ClassVar, Literal, Self, final

import polars as pl

from persona_assets.errors import UserError
from persona_assets.recommenders.artefact import of_training
from persona_assets.recommenders.histories import Histories, HistoryRows
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.ranking import Scorer, ranked_lists
from persona_assets.recommenders.sequences import HISTORY_SCHEMA
from persona_assets.tables import Table

NO_PAIRS = pl.DataFrame(schema={"user_id": pl.String(), "product_id": pl.String()})
NO_HISTORY = HISTORY_SCHEMA.to_frame()

Loaded = Callable[[Sequence[str], Histories], Scorer]
"""A loaded artefact: `loaded(users, histories)` are the scores of `users`, all different, on all
products that the artefact knows. A user whom the artefact knows may have history that it has not
seen."""
Values = tuple[Any, ...]
Space = Mapping[str, Values]
"""Field of the configuration → values worth trying, in their order, the default among them."""
SideTable = Literal["users", "products", "customer_segments"]
"""A table besides interactions: `raw/users`, `raw/products`, or `segmentation/customer_segments` of
the cut-off."""
CUSTOMER_SEGMENT = "customer_segment"
"""Attribute of people in `SideInformation`: name of the segment that a customer is in."""


@dataclass(frozen=True)
class Config:
    """Everything that a training depends on besides its data.

    Every number other than `seed` must be positive, or at least 0 where the field says so by
    `may_be_zero`.

    Raises:
        UserError: a number is out of its range or not finite; the text names the field.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "seed" or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            least = 0 if each.metadata.get("may_be_zero") else None
            if value != value or value in (float("inf"), float("-inf")):
                raise UserError(
                    f"{type(self).__name__}.{each.name} must be finite; got {value}; pass a number"
                )
            if not (value > 0 or value == least):
                raise UserError(
                    f"{type(self).__name__}.{each.name} must be positive; got {value}; "
                    f"pass a number above 0{' or 0' if least == 0 else ''}"
                )

    def to_json(self) -> str:
        """The configuration as `models/registry` keeps it: JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The defaults with some fields changed; a part's configuration may be a mapping."""
        known = {each.name: each for each in fields(cls)}
        if strange := sorted(set(values) - set(known)):
            raise UserError(
                f"{cls.__name__} has no field {strange[0]!r}; it has {', '.join(known)}"
            )
        default = cls()
        given = {
            name: getattr(default, name).of(value)
            if isinstance(getattr(default, name), Config) and isinstance(value, Mapping)
            else value
            for name, value in values.items()
        }
        return replace(default, **given)


def may_be_zero(default: float) -> Any:  # noqa: ANN401 - what `dataclasses.field` returns
    """A field of a configuration that may also be 0, where 0 switches something off."""
    return field(default=default, metadata={"may_be_zero": True})


@dataclass(frozen=True)
class SideInformation:
    """What is known of people and products besides interactions.

    Attributes:
        users: `user_id` as in the interactions, and attributes of people such as `country` and
            `customer_segment`; None: nothing is known.
        products: `product_id`, and columns of `raw/products` such as `category`, `brand`, `price`
            and `name`; None: nothing is known.
    """

    users: pl.DataFrame | None = None
    products: pl.DataFrame | None = None


NO_SIDE_INFORMATION = SideInformation()


@dataclass(frozen=True)
class Task:
    """How the lists will be evaluated, for models that make training labels like it.

    Attributes:
        horizon: how long after the cut-off an interaction counts; None: the next interaction
            counts, whenever.
        target_weight: weight from which an event counts (that of purchases, say); 0: every
            interaction.
        unseen: whether products that the user interacted with before are left out of lists and
            truth.
        heaviest_barred: whether products are left out that the user reached by an event of the
            heaviest weight there is (a purchase: what was bought is not shown again).
    """

    horizon: timedelta | None = timedelta(days=7)
    target_weight: float = 0.0
    unseen: bool = True
    heaviest_barred: bool = False


class Recommender(ABC):
    """A model without state: what it learned is the artefact, a table that any reader can load.

    A model defines what it learns (`_learn`) and how it scores (`load`). What every model owes
    besides (nothing of the future, no weight that is not a number, the contract's columns in one
    order, lists) follows from these.

    Attributes:
        name: by which tables, settings and commands call it.
        artefact: contract of the table that holds what it learned.
        config: what its training depends on besides the data.
        space: values of its configuration that tuning and benchmarks try.
        scoring_only: fields of the configuration that `fit` does not look at, so that trying them
            needs no further training.
        folds_in: whether a history alone changes the list of somebody whom training did not see.
        needs_history: whether the list of a user known to the artefact depends on `histories`.
        needs_side_information: tables without which `side_information` is too little to train from;
            empty: none.
        parts: names of the models that this one is made of (`composite.py`). Their configurations
            are fields of this model's, by the same names.
        searched_parts: those of them whose configurations a benchmark searches first.
    """

    name: ClassVar[str]
    artefact: ClassVar[Table]
    config: Any
    space: ClassVar[Space] = {}
    scoring_only: ClassVar[frozenset[str]] = frozenset()
    folds_in: ClassVar[bool] = False
    needs_history: ClassVar[bool] = False
    needs_side_information: ClassVar[frozenset[SideTable]] = frozenset()
    parts: ClassVar[tuple[str, ...]] = ()
    searched_parts: ClassVar[tuple[str, ...]] = ()

    @final
    def fit(
        self,
        known: Interactions,
        *,
        side_information: SideInformation = NO_SIDE_INFORMATION,
        parts: Mapping[str, pl.DataFrame] | None = None,
    ) -> pl.DataFrame:
        """Learn from what is known at a cut-off.

        Args:
            known: interactions known then, in any order.
            side_information: user and item features known at the cut-off.
            parts: name → artefact of the models that this one is made of, at the same cut-off and
                with the configurations in this model's. Those that are not given are learned.

        Returns:
            Rows of `artefact`, sorted by its key. The same rows and configuration give the same
            artefact.

        Raises:
            DataError: nothing to learn from is known at the cut-off, or a weight is not a number.
        """
        _ = known.positive  # refuses what no model can learn from
        learned = self._learn_with(known, side_information, parts or {})
        return of_training(learned, self.artefact, known.cutoff)

    def _learn_with(
        self,
        known: Interactions,
        side_information: SideInformation,
        parts: Mapping[str, pl.DataFrame],
    ) -> pl.DataFrame:
        """`_learn`, for models that are made of no others."""
        return self._learn(known, side_information)

    @abstractmethod
    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """What the model learns: columns of `artefact` but the cut-off, in any order of rows.

        Args:
            known: what is known at the cut-off; at least one interaction.
            side_information: user and item features known at the cut-off.

        Raises:
            DataError: what is known is too little for this model; the text says what is missing.
        """

    @abstractmethod
    def load(self, artefact: pl.DataFrame) -> Loaded:
        """Everything that scoring needs and that is the same for all users, made once.

        Args:
            artefact: what `fit` returned, of one cut-off.

        Raises:
            DataError: the artefact is empty or holds several cut-offs.
        """

    @final
    def scorer(
        self, artefact: pl.DataFrame, users: Sequence[str], *, histories: pl.DataFrame
    ) -> Scorer:
        """The scores of `users` on all products that the artefact knows.

        Args:
            artefact: what `fit` returned, of one cut-off.
            users: whom to score for, all different.
            histories: rows (`HISTORY_SCHEMA`) known of these users by now; those of others are
                ignored. A user whom the artefact knows may have history that it has not seen.

        Raises:
            DataError: the artefact is empty or holds several cut-offs.
        """
        return self.load(artefact)(users, HistoryRows(histories))

    def recommend(
        self,
        artefact: pl.DataFrame,
        users: Sequence[str],
        *,
        k: int,
        excluded: pl.DataFrame = NO_PAIRS,
        histories: pl.DataFrame = NO_HISTORY,
        candidates: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """The `k` best products of each user that are not excluded for that user.

        Args:
            artefact: what `fit` returned, of one cut-off.
            users: whom to recommend to, all different. A user of whom neither the artefact nor
                `histories` knows anything (`FALLBACK_USER` always is one) gets the list for people
                without history.
            k: length of the lists.
            excluded: pairs `user_id, product_id` to leave out.
            histories: see `scorer`.
            candidates: products that may be listed; None: all that the artefact knows.

        Returns:
            `user_id, rank, product_id, score`, users in the given order, ranks from 1. A list is
            shorter than `k` where fewer products are left.

        Raises:
            UserError: `k` is below 1.
            DataError: the artefact is empty or holds several cut-offs.
        """
        scorer = self.scorer(artefact, users, histories=histories)
        if candidates is not None:
            scorer = scorer.among(candidates)
        return ranked_lists(users, scorer.products, scorer.scores_of, k=k, excluded=excluded)

    def configured(self, **changes: Any) -> Self:  # noqa: ANN401 - values of any field
        """The same model with some fields of its configuration changed."""
        values = {name: getattr(self.config, name) for name in vars(self.config)}
        return type(self)(type(self.config).of(values | changes))  # type: ignore[call-arg]

    def for_task(self, task: Task) -> Self:
        """The same model, told how its lists will be evaluated; most models do not care."""
        return self
