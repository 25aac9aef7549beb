"""Cells that hold several products, as in `p1,p3`: splitting them, and seeing that they are there.

Belongs here: `[x.split]` applied to rows, and the note where a mapping lacks it. Does not belong
here: lists of JSON and Parquet, which a path leads into (`reading/paths.py`).
"""

from collections.abc import Collection, Mapping

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.shown_values import shown

SPLIT = ("product_id", "quantity", "unit_price")
"""Our columns whose cells may hold several values; those of one cell are events of their own."""
SEPARATORS = (",", ";", "|", "/", "+", " ")


def split_cells(rows: pl.DataFrame, split: Mapping[str, str]) -> pl.DataFrame:
    """Rows of which each has one value in a cell.

    A column that has one value beside several products, or is not split, has that value for each.

    Args:
        rows: text columns under our names, and `place`.
        split: our column → the sign between the values of a cell; `product_id` is among them.

    Raises:
        UserError: a row has another number of values in one column than in the other.
    """
    if not split:
        return rows
    lists = rows.with_columns(_pieces(name, sign) for name, sign in split.items())
    products = pl.max_horizontal(pl.col("product_id").list.len(), 1)
    for name in split.keys() - {"product_id"}:
        several = pl.col(name).list.len()
        wrong = lists.filter((several > 1) & (several != products))
        if wrong.height:
            raise UserError(
                f"{wrong['place'][0]}: product_id has {wrong['product_id'].list.len()[0]} values "
                f"and {name} {wrong[name].list.len()[0]}; correct the file, or take {name} out of "
                "the section's [split]"
            )
    alike = lists.with_columns(
        pl.when(pl.col(name).list.len() > 1)
        .then(name)
        .otherwise(pl.col(name).list.first().repeat_by(products))
        for name in split
    )
    return alike.explode(list(split))


def _pieces(name: str, sign: str) -> pl.Expr:
    piece = pl.element().str.strip_chars()
    return pl.col(name).str.split(sign).list.eval(piece.filter(piece != ""))


def products_in_lists(
    products: pl.Series, places: pl.Series, others: Collection[pl.Series], *, section: str
) -> str | None:
    """A note on cells that seem to hold several products; None: there are none.

    A cell is one where each of its parts is a product elsewhere and the whole is in no catalogue.

    Args:
        products: (rows,) `product_id` of a section.
        places: (rows,) where each was delivered.
        others: products of the catalogue, if there is one.
        section: the section, for the note.
    """
    cells = products.drop_nulls().unique()
    catalogue = pl.concat([each.cast(pl.String) for each in others]) if others else None
    known = cells if catalogue is None else pl.concat([cells, catalogue.drop_nulls()]).unique()
    for sign in SEPARATORS:
        whole = cells.filter(cells.str.contains(sign, literal=True)).alias("cell")
        if catalogue is not None:
            whole = whole.filter(~whole.is_in(catalogue.implode()))
        if whole.is_empty():
            continue
        parts = pl.DataFrame({"cell": whole}).select("cell", part=_pieces("cell", sign)).filter(
            pl.col("part").list.len() > 1
        ).explode("part")  # fmt: skip
        lists = parts.group_by("cell").agg(pl.col("part").is_in(known.implode()).all())
        found = products.is_in(lists.filter("part")["cell"].implode()).fill_null(False)
        if found.any():
            first = int(found.arg_max() or 0)
            return (
                f"{int(found.sum()):,} rows have several products in one cell, as "
                f"{shown(products[first])} ({places[first]}), and each such cell counts as one "
                f'product; if they are several, say product_id = "{sign}" in [{section}.split]'
            )
    return None
