"""Scoring a file: the same lines make the same customers as in the graph."""

import json
import re
from datetime import date

import narwhals as nw
import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from persona_assets.cli.main import persona
from persona_assets.cli.segment import segment
from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.segmentation.customers_file import score_file
from persona_assets.segmentation.segmenting import segment_customers
from persona_assets.tables.raw import PRODUCTS
from persona_assets.tables.segmentation import SEGMENTATION_MODEL
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean
from persona_assets.transforms.customer_features import compute_customer_features
from persona_assets.transforms.pseudonyms import pseudonym

CUTOFF, TODAY = date(2024, 5, 6), date(2024, 6, 1)
KEY = b"k" * 16
HEADER = "user,product,timestamp,order,quantity,price,country,category\n"


def product(name, kind="product"):
    return {**dict.fromkeys(PRODUCTS.polars_schema), "product_id": name, "kind": kind}


CATALOGUE = pl.DataFrame(
    [*(product(f"p{n}") for n in range(6)), product("POST", "service")],
    schema=PRODUCTS.polars_schema,
)


def purchases(people: int) -> pl.DataFrame:
    """Deliveries as in raw/events: person n buys n % 5 + 1 times, some return, one only returns."""
    rows = []
    for person in range(people):
        for order in range(person % 5 + 1):
            day = date(2024, 4, 1 + (person * 3 + order * 4) % 28)
            for line in range(1 + (person + order) % 3):
                returned = person == 7 or (line == 2 and order == 1)
                quantity = -1 if returned else 1 + (person * line) % 6
                rows.append(
                    {
                        "event_date": day,
                        "source_row": len(rows),
                        "event_id": f"e{len(rows)}",
                        "user_id": f"person {person}",
                        "product_id": f"p{(person + line) % 6}",
                        "event_type": "return" if returned else "purchase",
                        "timestamp": f"{day}T10:{order:02d}:00Z",
                        "quantity": quantity,
                        "unit_price": 1.5 + person % 9 + line,
                        "order_id": f"{person}-{order}{'-back' if returned else ''}",
                    }
                )
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def delivered() -> pl.DataFrame:
    from persona_assets.tables.raw import EVENTS

    rows = purchases(60)
    filled = rows.with_columns(
        arrived_at=pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"),
        consent=pl.lit(True),
    )
    missing = [name for name in EVENTS.polars_schema if name not in filled.columns]
    return (
        filled.with_columns(pl.lit(None).alias(name) for name in missing)
        .select(EVENTS.polars_schema.names())
        .cast(dict(EVENTS.polars_schema))
    )


@pytest.fixture(scope="module")
def trained(delivered):
    """What the graph makes of the deliveries: the model and who is in which segment."""
    cleaned = clean(
        nw.from_native(delivered.lazy()),
        nw.from_native(CATALOGUE.lazy()),
        key=KEY,
        weights=DEFAULT_WEIGHTS,
    )
    nobody = pl.LazyFrame(schema={"user_id": pl.String(), "country": pl.String()})
    customers = compute_customer_features(
        accepted(cleaned), nw.from_native(nobody), nw.from_native(CATALOGUE.lazy()), cutoff=CUTOFF
    )
    return segment_customers(
        customers.collect("polars").to_native(), cutoff=CUTOFF, config=SegmentationConfig()
    )


@pytest.fixture
def lines(delivered, tmp_path):
    """The deliveries as somebody exports them, without event types."""
    path = tmp_path / "lines.csv"
    delivered.select(
        user="user_id", product="product_id", timestamp="timestamp", order="order_id",
        quantity="quantity", price="unit_price",
    ).write_csv(path)  # fmt: skip
    return path


def score(path, model, **options):
    return score_file(path, model, catalogue=CATALOGUE, today=TODAY, **options)


def test_a_file_of_the_trainings_lines_is_assigned_as_in_training(lines, trained):
    scored = score(lines, trained.model, as_of=CUTOFF)
    by_hash = scored.customers.with_columns(
        user_id=pl.Series([pseudonym(each, KEY) for each in scored.customers["user_id"]])
    )
    columns = ["user_id", "segment", "name", "distance", "margin"]
    assert_frame_equal(
        by_hash.drop_nulls("segment").select(columns).sort("user_id"),
        trained.segments.select(columns).sort("user_id"),
        check_exact=True,
    )
    assert scored.customers.filter(pl.col("segment").is_null())["user_id"].to_list() == ["person 7"]
    assert (scored.without_purchase, scored.rejected, scored.later) == (1, {}, 0)
    assert scored.sizes["customers"].sum() == 59


@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_every_format_gives_the_same(lines, trained, ending):
    other = lines.with_suffix(ending)
    text = pl.read_csv(lines)
    text.write_parquet(other) if ending == ".parquet" else text.write_ndjson(other)
    one, same = score(lines, trained.model), score(other, trained.model)
    assert one.customers.equals(same.customers)


def test_lines_after_the_day_are_not_looked_at(lines, trained):
    early = score(lines, trained.model, as_of=date(2024, 4, 15))
    kept = lines.with_name("kept.csv")
    pl.read_csv(lines).filter(pl.col("timestamp") < "2024-04-15").write_csv(kept)
    assert early.later == pl.read_csv(lines).height - pl.read_csv(kept).height > 0
    alone = score(kept, trained.model, as_of=date(2024, 4, 15))
    known = early.customers.join(alone.customers.select("user_id"), on="user_id", how="semi")
    assert known.equals(alone.customers)


def test_rejected_lines_are_counted_by_their_rule_and_people_are_not_lost(tmp_path, trained):
    path = tmp_path / "dirty.csv"
    path.write_text(
        HEADER
        + "ann,p1,2024-04-02T10:00:00Z,1,2,3.5,FR,toys\n"
        + "ann,p1,2024-04-02T10:00:00Z,1,2,3.5,FR,toys\n"  # delivered twice
        + "bob,p1,2024-04-02T10:00:00Z,2,2,0,FR,toys\n"  # nothing to pay
        + "bob,POST,2024-04-02T10:00:00Z,2,1,9,FR,\n"  # the home's catalogue knows: no product
        + "cid,new,some day,3,1,9,FR,\n"
        + ",p1,2024-04-02T10:00:00Z,4,1,9,FR,\n"
        + "dan,new,2024-04-03T10:00:00Z,5,1,9,FR,\n"
    )
    scored = score(path, trained.model)
    assert scored.rejected == {
        "exact_duplicate": 1, "missing_user": 1, "service_line": 1, "unreadable_timestamp": 1,
        "zero_price": 1,
    }  # fmt: skip
    assert scored.as_of == date(2024, 4, 4)
    assert scored.lines == 7
    assert dict(scored.customers.select("user_id", pl.col("segment").is_not_null()).rows()) == {
        "ann": True, "bob": False, "cid": False, "dan": True,
    }  # fmt: skip


def test_a_mapping_names_the_columns(lines, trained, tmp_path):
    other = tmp_path / "export [1].csv"
    text = pl.read_csv(lines)
    text.rename({name: name.upper() for name in text.columns}).with_columns(
        KIND=pl.when(pl.col("quantity".upper()) < 0).then(pl.lit("back")).otherwise(pl.lit("buy"))
    ).write_csv(other)
    mapping = tmp_path / "shop.toml"
    mapping.write_text(
        '[events]\nfile = "another.csv"\nuser_id = "USER"\nproduct_id = "PRODUCT"\n'
        'timestamp = "TIMESTAMP"\norder_id = "ORDER"\nquantity = "QUANTITY"\n'
        'unit_price = "PRICE"\nevent_type = "KIND"\n'
        '[events.values.event_type]\nback = "return"\nbuy = "purchase"\n'
        "[events.constants]\nconsent = true\n"
    )
    mapped = score(other, trained.model, mapping=mapping)
    assert mapped.customers.equals(score(lines, trained.model).customers)


SHOP = """[events]
file = "events*.csv"
user_id = "user"
product_id = "product"
timestamp = "timestamp"
order_id = "order"
quantity = "quantity"
unit_price = "price"
[users]
file = "people.csv"
user_id = "who"
country = "land"
[products]
file = "events*.csv"
product_id = "product"
skip_without_key = true
"""


def test_a_file_outside_of_the_folder_of_its_shop_is_scored_without_what_is_not_beside_it(
    lines, trained, tmp_path
):
    shop, elsewhere = tmp_path / "shop", tmp_path / "elsewhere"
    shop.mkdir(), elsewhere.mkdir()
    (shop / "shop.toml").write_text(SHOP)
    moved = elsewhere / "april.csv"
    moved.write_bytes(lines.read_bytes())
    alone = score(moved, trained.model, mapping=shop / "shop.toml")
    assert alone.customers.equals(score(lines, trained.model).customers)
    left_out = [note for note in alone.notes if "is left out" in note]
    assert left_out == ["[users] is left out: no file next to april.csv matches file = people.csv"]
    (elsewhere / "people.csv").write_text("who,land\nperson 1,FR\n")
    beside = score(moved, trained.model, mapping=shop / "shop.toml")
    assert beside.customers.equals(alone.customers)
    assert not any("is left out" in note for note in beside.notes)


@pytest.mark.parametrize("day", ["0001-01-01", "1989-12-31", "2026-01-01", "9999-12-31"])
def test_days_that_no_log_reaches_are_refused(lines, trained, day):
    with pytest.raises(UserError, match=f"--as-of is {day}; give a day from 1990-01-01 to 2025-"):
        score(lines, trained.model, as_of=date.fromisoformat(day))


@pytest.mark.parametrize("day", ["1990-01-01", "2025-12-31"])
def test_nobody_has_a_segment_long_before_or_after_the_lines(lines, trained, day):
    scored = score(lines, trained.model, as_of=date.fromisoformat(day))
    assert scored.without_purchase == scored.customers.height == 60


def test_consent_of_the_file_is_not_overridden(lines, trained, tmp_path):
    asked = tmp_path / "asked.csv"
    pl.read_csv(lines).with_columns(
        consent=pl.when(pl.col("user") == "person 3").then(pl.lit("no")).otherwise(pl.lit("yes"))
    ).write_csv(asked)
    assert score(asked, trained.model).rejected.keys() == {"no_consent"}
    with pytest.raises(UserError, match=r"asked\.csv already says who consented.* --consent"):
        score(asked, trained.model, consent="all")
    assert score(lines, trained.model, consent="all").rejected == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"lines.csv is empty \(0 bytes\); deliver"),
        (HEADER, "has a header and no rows; deliver"),
        (HEADER.replace("price", "cost"), r"no column 'price' or 'unit_price'; .*cost.*--mapping"),
        (
            HEADER + "ann,p1,2024-04-02T10:00:00Z,1,2,0,,\n",
            "none of the 1 lines is usable",
        ),
    ],
)
def test_a_file_that_cannot_be_scored_is_named_with_the_remedy(tmp_path, trained, text, said):
    path = tmp_path / "lines.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        score(path, trained.model)


@pytest.fixture
def home(tmp_path, trained, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("PERSONA_HOME", str(folder))
    store = DeltaStore(str(folder / "lake"))
    store.overwrite(SEGMENTATION_MODEL, trained.model, partitions=[CUTOFF])
    store.overwrite(PRODUCTS, CATALOGUE, partitions=None)
    return folder


def run(*arguments):
    return CliRunner().invoke(persona, ["segment", *map(str, arguments)], catch_exceptions=False)


def test_the_command_tells_what_it_found_and_writes_everybody(home, lines, trained, tmp_path):
    expected = score(lines, trained.model, as_of=CUTOFF)
    told = run(lines, "--as-of", CUTOFF, "--json", "--out", tmp_path / "found.parquet")
    found = json.loads(told.stdout)
    assert found["segments"] == expected.sizes.to_dicts()
    assert (found["customers"], found["customers_without_purchase"]) == (60, 1)
    assert (found["as_of"], found["model"]) == ("2024-05-06", "2024-05-06")
    assert pl.read_parquet(tmp_path / "found.parquet").equals(expected.customers)
    shown = run(lines, "--as-of", CUTOFF, "--out", tmp_path / "found.csv").stdout
    for name in expected.sizes["name"]:
        assert name in shown
    assert pl.read_csv(tmp_path / "found.csv")["user_id"].to_list()[0] == "person 0"
    assert "0 lines rejected" in shown


def test_without_a_home_a_model_or_an_ending_the_remedy_is_said(home, lines, monkeypatch, tmp_path):
    with pytest.raises(UserError, match=r"--out .*found.xls.* use .csv or .parquet"):
        run(lines, "--out", tmp_path / "found.xls")
    with pytest.raises(UserError, match=r"cannot write .*name a file in a folder"):
        run(lines, "--out", tmp_path / "nowhere" / "found.csv")
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"no home at .*none; run `persona demo` first"):
        run(lines)
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match=r"no segmentation was trained: .*persona run"):
        run(lines)


HEADER_ALONE = "user,product,timestamp,order,quantity,price\n"


@pytest.mark.parametrize("others", [True, False], ids=["among others", "alone"])
@pytest.mark.parametrize("year", [1970, 2101])
def test_no_advice_names_an_option_that_the_command_lacks(home, lines, tmp_path, others, year):
    """About lines of times that cannot be."""
    path = tmp_path / "odd.csv"
    odd = f"ann,p1,{year}-01-02T10:00:00Z,o1,2,5\n"
    path.write_text((lines.read_text() if others else HEADER_ALONE) + odd)
    told = CliRunner().invoke(persona, ["segment", str(path)])
    said = told.output + str(told.exception or "")
    assert f"{year}-01-02" in said
    options = {option for each in segment.params for option in each.opts}
    assert {*re.findall(r"--[a-z-]+", said)} <= options
