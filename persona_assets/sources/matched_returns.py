"""Which purchase a returned line gives back.

Belongs here: matching for shops whose returns do not name the purchase. Does not belong here:
deciding what is a return (each source's work).
"""

import polars as pl


def match_returns(lines: pl.DataFrame) -> pl.DataFrame:
    """Matches each return to the most recent earlier purchase that can still cover it.

    Purchases of the same person and product are tried from the latest back; the first whose
    pieces, less those already returned, suffice is taken and keeps only the rest. Lines of one
    instant follow each other in their given order. A line given twice counts once, so that
    duplicates of a return remain duplicates, and a purchase recorded twice is not given back
    twice. Returns of unknown people stay unmatched.

    Args:
        lines: columns event_id, event_type, user_id, product_id, arrived_at, quantity (negative
            for returns); rows with the same event_id are the same line.

    Returns:
        One row per matched return: event_id and related_event_id, that of its purchase.
    """
    pair = ["user_id", "product_id"]
    lines = lines.unique("event_id", keep="first", maintain_order=True).drop_nulls(pair)
    returns = lines.filter(event_type="return")
    lines = lines.join(returns, on=pair, how="semi", maintain_order="left")
    lines = lines.sort(*pair, "arrived_at", maintain_order=True)
    matches: dict[str, str] = {}
    open_purchases: list[tuple[str, float]] = []  # of the current pair, the latest at the end
    current = None
    columns = lines.select(*pair, "event_id", "event_type", "quantity")
    for user, product, event_id, event_type, quantity in columns.iter_rows():
        if (user, product) != current:
            current, open_purchases = (user, product), []
        if event_type == "purchase":
            open_purchases.append((event_id, quantity))
            continue
        for place in range(len(open_purchases) - 1, -1, -1):
            purchase, pieces = open_purchases[place]
            if pieces >= -quantity:
                matches[event_id] = purchase
                open_purchases[place] = (purchase, pieces + quantity)
                break
    schema = {"event_id": pl.String, "related_event_id": pl.String}
    return pl.DataFrame([list(matches), list(matches.values())], schema=schema)
