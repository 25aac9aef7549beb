"""Scores of boosted trees without LightGBM: the same to the last bit, in less time.

Belongs here: reading LightGBM's text, and scoring rows by it. Does not belong here: growing trees
(`lambdarank.py`), or the compiled loop (`tree_kernels.py`).

LightGBM prepares each call for data of any size; a service that scores a hundred candidates at a
time waits longer for that than for the trees (`performance/tree_scores.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from persona_assets.errors import DataError


@dataclass(frozen=True)
class Trees:
    """The nodes of all trees, one after another.

    Attributes:
        features: names of the columns that are looked at.
        roots: (trees,) first node; below 0: ~number of the only leaf.
        columns: (nodes,) place in `features` of the column that decides.
        thresholds: (nodes,) values up to this one go left.
        decisions: (nodes,) LightGBM's decision type.
        left: (nodes,) next node; below 0: ~number of a leaf.
        right: (nodes,) the same.
        leaves: (leaves,) what each adds to a score.
    """

    features: list[str]
    roots: NDArray[np.int32]
    columns: NDArray[np.int32]
    thresholds: NDArray[np.float64]
    decisions: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    leaves: NDArray[np.float64]

    @classmethod
    def read(cls, text: str) -> "Trees":
        """The trees of a text that LightGBM wrote.

        Raises:
            DataError: the text is not whole, or holds splits by categories or models in leaves.
        """
        header, *trees = _sections(text)
        parts: list[dict[str, NDArray[np.float64]]] = []
        roots, nodes, leaves = [], 0, 0
        for tree in trees:
            if tree.get("is_linear", "0") != "0" or tree.get("num_cat", "0") != "0":
                raise DataError(
                    "a ranker's tree has categories or linear leaves, which only other versions of "
                    "persona_assets write; materialize the model again"
                )
            part = {name: _numbers(tree, name) for name in ("leaf_value", *_OF_NODES)}
            splits = len(part["split_feature"])
            roots.append(nodes if splits else ~leaves)
            for side in ("left_child", "right_child"):
                child = part[side]
                part[side] = np.where(child >= 0, child + nodes, child - leaves)
            nodes, leaves = nodes + splits, leaves + len(part["leaf_value"])
            parts.append(part)

        def joined(name: str) -> NDArray[np.float64]:
            return np.concatenate([part[name] for part in parts] or [np.zeros(0)])

        return cls(
            features=header["feature_names"].split(),
            roots=np.array(roots, dtype=np.int32),
            columns=joined("split_feature").astype(np.int32),
            thresholds=joined("threshold"),
            decisions=joined("decision_type").astype(np.int32),
            left=joined("left_child").astype(np.int32),
            right=joined("right_child").astype(np.int32),
            leaves=joined("leaf_value"),
        )

    def scores(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows,) the sum of the leaves that each row of `values` (rows × features) ends in."""
        from persona_assets.recommenders.tree_kernels import add_leaves

        scores = np.zeros(len(values))
        add_leaves(
            values,
            self.roots,
            self.columns,
            self.thresholds,
            self.decisions,
            self.left,
            self.right,
            self.leaves,
            scores,
        )
        return scores


_OF_NODES = ("split_feature", "threshold", "decision_type", "left_child", "right_child")


def _sections(text: str) -> Iterator[dict[str, str]]:
    """The header and each tree: name → value, up to the line that ends the trees."""
    section: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("Tree=") or line == "end of trees":
            yield section
            section = {}
            if line == "end of trees":
                return
        name, _, value = line.partition("=")
        section[name] = value
    raise DataError(
        "a ranker's text ends before its trees do: part of the artefact is missing; materialize "
        "the model again"
    )


def _numbers(tree: dict[str, str], name: str) -> NDArray[np.float64]:
    return np.array([float(each) for each in tree.get(name, "").split()])
