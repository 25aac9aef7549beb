"""The segmentation as something that is trained, beside the recommenders.

Belongs here: its name, configuration and artefact, as the registry and MLflow call it. Does not
belong here: the training (`segmenting.py`) or rows of the registry (`lifecycle/registry.py`).
"""

from dataclasses import dataclass, field
from typing import ClassVar

from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.tables import Table
from persona_assets.tables.segmentation import SEGMENTATION_MODEL


@dataclass(frozen=True)
class CustomerSegments:
    """A configured segmentation; see `recommenders.registry.Trained`."""

    config: SegmentationConfig = field(default_factory=SegmentationConfig)
    name: ClassVar[str] = "customer_segments"
    artefact: ClassVar[Table] = SEGMENTATION_MODEL
