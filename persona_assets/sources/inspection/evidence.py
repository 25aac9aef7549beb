"""The words beside a guess.

Belongs here: what is said of a column, without any value that may be somebody's. Does not belong
here: TOML, tables in the terminal.
"""

from persona_assets.notation import count, share
from persona_assets.sources.identifiers import look_alikes
from persona_assets.sources.inspection.column_names import EXACT, looks_like_data, role_of
from persona_assets.sources.inspection.columns import ColumnProfile
from persona_assets.sources.inspection.guesses import Guess
from persona_assets.sources.inspection.roles import NUMBERS, Column
from persona_assets.sources.inspection.toml_text import text
from persona_assets.sources.numbers import number_format

LONGEST_NAME = 60
MOST_WORDS = 4
_IDENTIFIERS = ("user_id", "product_id", "order_id", "event_id")


def of_guess(guess: Guess) -> str:
    """Why a column of theirs is one of ours."""
    return f"guessed: {_by_name(guess)}{of_column(guess.column)}"


def of_column(column: Column) -> str:
    """What a column holds, in a few words."""
    profile = column.profile
    said = [_filled(profile), of_kind(column)]
    if column.role in ("user_id", "product_id", "order_id", "event_id") and profile.as_numbers:
        said.append(profile.as_numbers)
    if column.role in _IDENTIFIERS and (alike := look_alikes([profile.values])):
        said.append(f"{count(alike.pairs)} in two spellings such as 17850 and 17850.0")
    said.append(of_words(column))
    if column.role == "total":
        said.append("an amount, perhaps of several pieces")
    if column.role == "quantity" and (below := int(profile.values.str.starts_with("-").sum())):
        said.append(f"{count(below)} are below zero, as those of returns are")
    if profile.null_words:
        words = list(profile.null_words.items())[:MOST_WORDS]
        said.append(
            "no value: " + ", ".join(f"{text(word)} {count(rows)}×" for word, rows in words)
        )
    if profile.blanks:
        said.append(f"blanks around {count(profile.blanks)} values")
    return "; ".join(filter(None, said))


def of_words(column: Column) -> str:
    """What becomes of texts in a column of prices or quantities; empty: there are few or none."""
    if column.role not in ("unit_price", "quantity", "total") or not column.profile.words:
        return ""
    rule = "unreadable_quantity" if column.role == "quantity" else "unreadable_price"
    return (
        f"{share(column.profile.words, 1)} of its values are no numbers, and are rejected as "
        f"{rule}; words that mean nothing can be listed as null_words"
    )


def of_kind(column: Column) -> str:
    """What the values are."""
    profile, times = column.profile, column.times
    if times is not None and (times.reading is not None or times.problem):
        return times.evidence or "times, of which it is not certain how to read them"
    if column.role in NUMBERS and profile.kind == "numbers":
        return of_numbers(profile)
    different = f"{count(profile.distinct)} different {profile.looks_like or _values(profile)}"
    return f"always {_constant(column)}" if profile.distinct == 1 else different


def of_numbers(profile: ColumnProfile) -> str:
    """How numbers are written."""
    notation = number_format([profile.values])
    if notation.doubtful:
        return "numbers, some of which fit both a decimal comma and a decimal point"
    signs = f", {' '.join(notation.currency)}" if notation.currency else ""
    return f"numbers with {notation.evidence}" + signs if notation.evidence else f"numbers{signs}"


def shown(name: str) -> str:
    """A column's name, unless it is rather a value."""
    if looks_like_data(name):
        return "(a name that looks like a value)"
    return text(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…")


def _by_name(guess: Guess) -> str:
    role, score = role_of(guess.column.name)
    if role != guess.column.role or score == 0:
        return "by its values; "
    return "by its name; " if score >= EXACT - 0.5 else "by part of its name; "


def _filled(profile: ColumnProfile) -> str:
    if profile.filled == profile.rows:
        return ""
    return f"{share(profile.filled, profile.rows)} of the rows have a value"


def _values(profile: ColumnProfile) -> str:
    return {"text": "values", "empty": "values"}.get(profile.kind, profile.kind)


def _constant(column: Column) -> str:
    value = column.profile.constant or ""
    hidden = column.is_personal or (column.role == "event_type" and column.unshown_names > 0)
    return "the same value" if hidden or len(value) > LONGEST_NAME else text(value)
