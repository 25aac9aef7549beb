import polars as pl
import pytest

from persona_assets.sources.null_words import null_words, without_blanks, without_null_words


def cleaned(*texts, **options):
    frame = pl.DataFrame({"t": pl.Series(texts, dtype=pl.String)})
    return frame.select(without_null_words(without_blanks(pl.col("t")), **options))["t"].to_list()


@pytest.mark.parametrize(
    "word",
    ["NULL", "null", r"\N", "nan", "NaN", "None", "N/A", "NaT", "<NA>", "NA", "-", " NULL\t"],
)
def test_null_words_are_nulls_in_whatever_case(word):
    assert cleaned(word) == [None]


@pytest.mark.parametrize("word", ["nullable", "Nan's", "0", "NAT-1", "--x"])
def test_other_words_stay(word):
    assert cleaned(word) == [word]


def test_the_words_are_a_setting():
    assert cleaned("missing", "NULL", words=["Missing"]) == [None, "NULL"]


def test_blanks_of_unicode_are_taken_off():
    assert cleaned("u1 ", "\u00a0u1", "\u3000u1\u200b", "\ufeffu1", " \u2003 ", "u 1") == [
        "u1", "u1", "u1", "u1", None, "u 1",
    ]  # fmt: skip


def test_words_of_a_column_are_counted_as_written():
    assert null_words(pl.Series(["NULL", "NULL", "nan", "x", None])) == {"NULL": 2, "nan": 1}
