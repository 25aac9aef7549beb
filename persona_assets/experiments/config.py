"""What is worth seeing in an experiment, decided before any number is."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from persona_assets.errors import UserError


@dataclass(frozen=True)
class ExperimentConfig:
    """Configuration of `analysis.analyse`; a home sets it by `PERSONA_EXPERIMENT` (JSON).

    All are shares of control's value, above 0 and below 1. The defaults suit a shop with some
    thousand users a week; with millions of them, 0.01 and less can be shown.

    Attributes:
        smallest_gain: gain in conversion that is worth a change of the model. An experiment that
            excludes it ends with control.
        ctr_margin: loss of click-through rate that would be accepted for a gain in conversion.
        revenue_margin: loss of revenue per user that would be accepted for it.

    Raises:
        UserError: a share is not between 0 and 1; the text names it.
    """

    smallest_gain: float = 0.05
    ctr_margin: float = 0.1
    revenue_margin: float = 0.1

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (math.isfinite(value) and 0 < value < 1):
                raise UserError(
                    f"ExperimentConfig.{name} is {value}; give a share above 0 and below 1"
                )

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The defaults with some fields changed.

        Raises:
            UserError: there is no such field, or a share is not between 0 and 1.
        """
        default = cls()
        known = asdict(default)
        if strange := sorted(values.keys() - known.keys()):
            raise UserError(
                f"{cls.__name__} has no field {strange[0]!r}; it has {', '.join(known)}"
            )
        return replace(default, **values)
