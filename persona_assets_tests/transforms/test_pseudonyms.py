import hmac

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.transforms.pseudonyms import pseudonym, pseudonymise

KEY = b"a key of the tests"


def test_it_is_keyed_blake2b():
    # Published test vector: BLAKE2b keyed with 00..3f over the empty message (RFC 7693's KAT file).
    import hashlib

    full = hashlib.blake2b(b"", key=bytes(range(64))).hexdigest()
    assert full.startswith("10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786")
    assert pseudonym("anna", KEY) == hashlib.blake2b(b"anna", key=KEY, digest_size=16).hexdigest()


@given(st.text(), st.text())
def test_different_people_stay_different_and_the_key_matters(one, other):
    assert (pseudonym(one, KEY) == pseudonym(other, KEY)) == (one == other)
    assert not hmac.compare_digest(pseudonym(one, KEY), pseudonym(one, b"another key"))


def test_a_column_is_replaced_on_the_frame_and_nulls_stay_null(lazy, collect):
    users = ["anna", None, "Zoë", "anna", "", " anna"]
    frame = pl.DataFrame({"row": range(6), "user_id": users})
    result = collect(pseudonymise(lazy(frame), "user_id", KEY)).sort("row")
    assert result["user_id"].to_list() == [
        None if user is None else pseudonym(user, KEY) for user in users
    ]


def test_a_frame_without_identifiers_keeps_its_rows(lazy, collect):
    frame = pl.DataFrame(
        {"row": [1, 2], "user_id": [None, None]}, schema_overrides={"user_id": pl.String}
    )
    result = collect(pseudonymise(lazy(frame), "user_id", KEY)).sort("row")
    assert result.to_dicts() == [{"row": 1, "user_id": None}, {"row": 2, "user_id": None}]
