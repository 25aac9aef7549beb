"""From a shop's way of writing times to instants, and to the texts that the mart reads.

Belongs here: which reading a column of times gets, by the mapping or by the whole column, and the
text that the raw tables keep. Does not belong here: the readings (`times/`), and the texts that
the mart reads by itself (`transforms/timestamps.py`).
"""

from dataclasses import dataclass
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.sources.local_time import iso_text
from persona_assets.sources.times.decision import decide
from persona_assets.sources.times.readings import counted, excel_serial
from persona_assets.sources.times.strftime import read_format
from persona_assets.sources.value_settings import TimeReading
from persona_assets.transforms.timestamps import parse_timestamps


@dataclass(frozen=True)
class ReadTimes:
    """A column of times.

    Attributes:
        instants: (rows,) timestamp[us, UTC]; null where a text is no time.
        reading: what they were taken for, as in `day first` or the mapping's format.
        note: the decision and its evidence; empty where there was nothing to decide.
    """

    instants: pl.Series
    reading: str
    note: str = ""


def instants(texts: pl.Series) -> pl.Series:
    """Instants that the mart reads from texts by itself; null where it reads none."""
    frame = nw.from_native(pl.LazyFrame({"text": texts}))
    read = nw.to_native(parse_timestamps(frame, "text", into="instant")).collect()
    return read.get_column("instant")


def read_times(
    texts: pl.Series,
    setting: TimeReading,
    *,
    section: str,
    today: date,
    places: pl.Series | None = None,
) -> ReadTimes:
    """The instants of a column of times: as the mapping says, else as the whole column decides.

    Args:
        texts: text without blanks around it and null words; its name is that of our column.
        setting: what the mapping says.
        section: the mapping's section, for errors.
        today: the caller's day in UTC.
        places: (rows,) where each row was delivered, for errors.

    Raises:
        UserError: several readings give plausible times, or rows are written in different ways.
    """
    if setting.unit == "excel":
        return ReadTimes(excel_serial(texts, setting.zone), "a spreadsheet's days since 1900")
    if setting.unit is not None:
        return ReadTimes(counted(texts, setting.unit), f"Unix time in {setting.unit}")
    if setting.formats:
        read = [read_format(texts, each, setting.zone).alias(each) for each in setting.formats]
        found = pl.DataFrame(read).select(pl.coalesce(pl.all())).to_series()
        return ReadTimes(found, " or ".join(setting.formats))
    decision = decide(
        texts, zone=setting.zone, today=today, name=texts.name, section=section, places=places
    )
    if decision.reading is None:
        return ReadTimes(decision.instants, "a time")
    return ReadTimes(decision.instants, decision.reading.name, decision.note)


def as_the_mart_reads(texts: pl.Series, read: ReadTimes) -> pl.Series:
    """Texts from which the mart reads the same instants, and none where there is none.

    A text that the mart takes for the same instant passes as delivered; of another one its ISO 8601
    in UTC is kept. A text that is no time passes as delivered, too, for the mart to reject with its
    value; only where the mart would read it all the same (`03/04/2024 10:00` beside the format
    `%m/%d/%Y`), the reading is added in brackets, for what contradicts the column must not be taken
    for a time.
    """
    text, own, instant = pl.col("text"), pl.col("own"), pl.col("instant")
    frame = pl.DataFrame(
        [texts.alias("text"), instants(texts).alias("own"), read.instants.alias("instant")]
    )
    contradicted = pl.format("{} (not {})", text, pl.lit(read.reading))
    return frame.select(
        pl.when(own.eq_missing(instant))
        .then(text)
        .when(instant.is_null())
        .then(contradicted)
        .otherwise(iso_text(instant))
        .alias(texts.name)
    ).to_series()
