"""A column of times is read in the one way that fits it, or refused with all that do."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.sources.times.decision import AmbiguousTimesError, MixedTimesError, decide
from persona_assets.sources.times.incomplete import what_is_lacking
from persona_assets.sources.times.readings import counted
from persona_assets.sources.times.strftime import read_format

TODAY = date(2026, 6, 15)


def decided(*texts, zone="UTC", today=TODAY):
    return decide(
        pl.Series("timestamp", texts, pl.String),
        zone=zone,
        today=today,
        name="timestamp",
        section="events",
    )


NOON = datetime(2024, 1, 13, 12, tzinfo=UTC)
MIDNIGHT = datetime(2024, 1, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-01-13T12:00:00", NOON),
        ("2024-01-13 12:00", NOON),
        ("2024-01-13T12:00:00Z", NOON),
        ("2024-01-13 12:00:00 UTC", NOON),
        ("2024-01-13 12:00:00 GMT", NOON),
        ("2024-01-13 12:00:00+00", NOON),
        ("2024-01-13 12:00:00+0000", NOON),
        ("2024-01-13 07:00:00 -0500", NOON),
        ("2024-01-13 13:00:00 +01:00", NOON),
        ("2024-01-13T13:00:00+01:00[Europe/Berlin]", NOON),
        ("2024/1/13 12:00:00", NOON),
        ("2024-01-13 12:00:00.25", NOON + timedelta(milliseconds=250)),
        ("2024-01-13 12:00:00,250", NOON + timedelta(milliseconds=250)),
        ("2024-01-13 12:00:00.123456789", NOON + timedelta(microseconds=123_456)),
        ("2024-01-13", MIDNIGHT),
        ("13.01.2024", MIDNIGHT),
        ("13. 1. 2024 12:00", NOON),
        ("13/01/24 12:00", None),
        ("13.01.24 12:00", NOON),
        ("1/13/2024 12:00:00 PM", NOON),
        ("1/13/24 12:00 pm", NOON),
        ("01-13-2024 12:00 a.m.", MIDNIGHT),
        ("13 Jan 2024", MIDNIGHT),
        ("13-JAN-24", MIDNIGHT),
        ("13-Jan-2024 12:00:00", NOON),
        ("January 13th, 2024", MIDNIGHT),
        ("Jan 13, 2024, 12:00 PM", NOON),
        ("2024-Jan-13", MIDNIGHT),
        ("Sat, 13 Jan 2024 13:00:00 +0100", NOON),
        ("Sat, 13 Jan 2024 12:00:00 GMT", NOON),
        ("Sat Jan 13 12:00:00 UTC 2024", NOON),
        ("Sat Jan 13 2024 13:00:00 GMT+0100 (CET)", NOON),
        ("13/Jan/2024:12:00:00 +0000", NOON),
        ("20240113", MIDNIGHT),
        ("20240113T120000", NOON),
        ("20240113T120000Z", NOON),
        ("20240113 12:00:00", NOON),
        ("202401131200", NOON),
        ("20240113120000", NOON),
        ("1705147200", NOON),
        ("1705147200.0", NOON),
        ("1705147200.123", NOON + timedelta(milliseconds=123)),
        ("1.7051472e9", NOON),
        ("1705147200000", NOON),
        ("1705147200000000", NOON),
        ("1705147200000000000", NOON),
        ("1705147200123456789", NOON + timedelta(microseconds=123_456)),
        ("45304.5", NOON),
        ("45304", MIDNIGHT),
        ("2024-01-13 13:00:00 Europe/Berlin", NOON),
        ("2024-01-13 13:00 [Europe/Berlin]", NOON),
        ("2024-01-13T07:00:00-05:00[America/New_York]", NOON),
        ("2024-01-13T12:00Z[UTC]", NOON),
        ("2024-01-13 07:00:00 EST[America/New_York]", NOON),
        ("13.01.2024 13:00 Europe/Berlin", NOON),
        ("2024-W02-6", MIDNIGHT),
        ("2024W026T12:00:00Z", NOON),
        ("2020-W53-5", datetime(2021, 1, 1, tzinfo=UTC)),
        ("2025-W53-1", None),
        ("2024-W02", None),
        ("2024年1月13日", MIDNIGHT),
        ("2024年1月13日 12:00:00", NOON),
        ("2024年01月13日12时00分00秒", NOON),
        ("2024년 1월 13일 12시 00분", NOON),
        ("/Date(1705147200000)/", NOON),
        (r"\/Date(1705147200000+0100)\/", NOON),
        ("2024-01", None),
        ("tomorrow", None),
        ("2024-02-30", None),
        ("2024-01-13 25:00", None),
        ("13:00", None),
    ],
)
def test_one_text_is_read_where_only_one_reading_fits(text, instant):
    if text == "13/01/24 12:00":  # the 13th of January 2024, or the 24th of January 2013
        with pytest.raises(AmbiguousTimesError):
            decided(text)
        return
    assert decided(text).instants.to_list() == [instant]


@pytest.mark.parametrize(
    ("texts", "setting"),
    [
        (["2024-01-13 13:00:00 Europe/Berlin"], 'format = "%Y-%m-%d %H:%M:%S %Z"'),
        (["2024-01-13T13:00:00[Europe/Berlin]"], 'format = "%Y-%m-%dT%H:%M:%S[%Z]"'),
        (["2024-W02-6 12:00"], 'format = "%G-W%V-%u %H:%M"'),
        (["2024年1月13日 12:00"], 'format = "%Y年%m月%d日 %H:%M"'),
        (["/Date(1705147200000)/"], 'unit = "ms"'),
    ],
)
def test_a_setting_that_is_shown_reads_what_was_decided(texts, setting):
    found = decided(*texts)
    assert found.setting == setting
    stated = tomllib.loads(setting)
    column = pl.Series("timestamp", texts)
    read = (
        counted(column, stated["unit"])
        if "unit" in stated
        else read_format(column, stated["format"], "UTC")
    )
    assert read.to_list() == found.instants.to_list() == [NOON]


def test_a_zone_that_does_not_exist_is_named():
    with pytest.raises(UserError, match="the zone 'Europe/Atlantis', which the IANA database"):
        decided("2024-01-13 13:00:00 Europe/Atlantis")


@settings(max_examples=40)
@given(
    st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2025, 12, 31)), min_size=1),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_each_row_is_in_the_zone_that_it_names(moments, zone):
    aware = [each.replace(microsecond=0, tzinfo=ZoneInfo(zone)) for each in moments]
    texts = [f"{each:%Y-%m-%d %H:%M:%S} {zone}" for each in aware]
    found = decided(*texts, "2024-01-13 12:00:00 Etc/UTC").instants.to_list()
    assert found == [*(each.astimezone(UTC) for each in aware), NOON]


@settings(max_examples=40)
@given(st.lists(st.dates(date(1995, 1, 1), date(2026, 6, 1)), min_size=1))
def test_days_of_weeks_are_those_of_python(days):
    found = decided(*(f"{each:%G-W%V-%u}" for each in days)).instants.dt.date().to_list()
    assert found == days


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("2024-03", "a month without a day"), ("03/2024", "a month without a day"),
        ("März 2024", "a month without a day"), ("Mar-24", "a month without a day"),
        ("202403", "a month without a day"), ("2024年3月", "a month without a day"),
        ("2024-W09", "a week without a day"), ("KW 9 2024", "a week without a day"),
        ("2024-Q1", "a quarter without a day"), ("2024", "a year without a day"),
        ("01.03.", "a day without a year"), ("3 March", "a day without a year"),
        ("10:20:30", "a time of day without a day"), ("2024-03-01", ""), ("soon", ""),
    ],
)  # fmt: skip
def test_a_part_of_a_time_is_named(text, named):
    assert what_is_lacking(text) == named


MONTHS = {
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "German, short": "Jan. Feb. Mrz Apr. Mai Jun. Jul. Aug. Sept. Okt. Nov. Dez.",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre "
    "décembre",
    "French, short": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "Italian, short": "gen feb mar apr mag giu lug ago set ott nov dic",
    "Portuguese, short": "jan fev mar abr mai jun jul ago set out nov dez",
    "Dutch, short": "jan. feb. mrt. apr. mei jun. jul. aug. sep. okt. nov. dec.",
    "Polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października "
    "listopada grudnia",
}


@pytest.mark.parametrize("language", MONTHS)
@pytest.mark.parametrize("written", ["13. {} 2024 12:00", "13-{}-24", "2024 {} 13", "{} 13, 2024"])
def test_a_column_of_months_in_another_language_loses_no_row(language, written):
    names = MONTHS[language].split()
    found = decided(*(written.format(name) for name in [*names, *map(str.upper, names)]))
    assert found.instants.dt.month().to_list() == [*range(1, 13), *range(1, 13)]
    assert found.instants.dt.day().unique().to_list() == [13]


@pytest.mark.parametrize(
    "text",
    [
        "13 janvier 2024 à 12:00",
        "samedi 13 janvier 2024, 12:00",
        "13 de enero de 2024 12:00",
        "13.01.2024 um 12:00 Uhr",
        "Samstag, 13. Januar 2024 12:00 Uhr",
    ],
)
def test_the_words_between_day_and_clock_are_none_of_a_zone(text):
    assert decided(text).instants.to_list() == [NOON]


def test_a_beginning_that_two_months_share_is_no_month():
    assert decided("13 jui 2024").instants.to_list() == [None]


def test_counts_with_a_decimal_comma_are_read_as_those_with_a_point():
    with_point = decided("1705147200.25", "1705233600.5").instants
    assert decided("1705147200,25", "1705233600,5").instants.to_list() == with_point.to_list()
    assert decided("45304,5").instants.to_list() == [NOON]


def test_the_column_decides_and_the_note_says_by_which_row():
    decision = decided("01/12/2024 10:00", "01/13/2024 10:00", None)
    assert decision.instants.to_list() == [
        datetime(2024, 1, 12, 10, tzinfo=UTC),
        datetime(2024, 1, 13, 10, tzinfo=UTC),
        None,
    ]
    assert decision.setting == 'format = "%m/%d/%Y %H:%M"'
    assert "'01/13/2024 10:00' is no date with the day first" in decision.note


def test_both_readings_of_an_ambiguous_column_are_shown_with_the_way_to_say_which():
    with pytest.raises(AmbiguousTimesError) as refused:
        decided("03/03/2024", "01/02/2024", "03/04/2024")
    for word in (
        "row 2: timestamp '01/02/2024'",
        "day first, 2024-02-01",
        "month first, 2024-01-02",
        'format = "%d/%m/%Y"',
        'format = "%m/%d/%Y"',
        "[events.time]",
    ):
        assert word in str(refused.value)


def test_dates_that_mean_the_same_in_every_reading_are_not_ambiguous():
    assert decided("02/02/2024", "03/03/2024").instants[0] == datetime(2024, 2, 2, tzinfo=UTC)


def test_a_reading_that_puts_events_into_the_future_is_not_meant():
    decision = decided("12/01/2026", "11/01/2026")
    assert decision.instants[0] == datetime(2026, 1, 12, tzinfo=UTC)
    assert "'12/01/2026' would be 2026-12-01 with the month first" in decision.evidence


def test_one_event_in_the_future_does_not_turn_all_others_around():
    with pytest.raises(AmbiguousTimesError):
        decided(*["01/02/2024"] * 150, "12/01/2026")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1704068812", "1704068822000"),
        ("1704068812000", "1704068822000000"),
        ("13/01/2024", "01/13/2024"),
        ("2024-01-13", "13 Jan 2024"),
        ("20240113", "1705147200"),
    ],
)
def test_mixed_units_and_formats_name_the_first_row_of_each(first, second):
    with pytest.raises(MixedTimesError) as refused:
        decided(first, first, second)
    assert f"row 1 is {first!r}" in str(refused.value)
    assert f"row 3 is {second!r}" in str(refused.value)


def test_even_one_row_of_another_unit_is_an_error():
    with pytest.raises(MixedTimesError, match="row 1001 is '1704068822000'"):
        decided(*["1704068812"] * 1_000, "1704068822000")


def test_few_texts_of_another_kind_are_dirt():
    decision = decided(*["2024-01-13"] * 200, "rubbish", "13 Jan 2024", "2024-13-13")
    assert decision.instants.null_count() == 3


def test_counts_that_are_no_plausible_times_are_none():
    assert decided("0", "1", "2", "45000").reading is None


def test_a_zero_among_counts_is_the_beginning_of_1970():
    assert decided("1704068812", "1704068813", "0").instants[2] == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_zone_is_for_times_that_name_none():
    decision = decided("2024-07-01 12:00", "2024-07-01 12:00Z", zone="Europe/Berlin")
    assert [each.hour for each in decision.instants] == [10, 12]


def test_an_abbreviation_of_a_zone_is_read_where_the_zone_explains_it_and_refused_elsewhere():
    assert decided("2024-05-01 09:05 EST", zone="America/New_York").instants[0].hour == 14
    assert decided("2024-05-01 09:05 EDT", zone="America/New_York").instants[0].hour == 13
    for zone in ("UTC", "Australia/Sydney"):
        with pytest.raises(UserError, match=r"name the zone 'EST'.*is none of them; set zone"):
            decided("2024-05-01 09:05 EST", zone=zone)


UNAMBIGUOUS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S +0000",
    "%Y%m%d",
    "%Y%m%dT%H%M%S",
    "%Y%m%d%H%M",
    "%Y%m%d%H%M%S",
    "%d %b %Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%B %d, %Y %I:%M %p",
    "%d-%b-%y",
    "%d/%m/%Y %H:%M:%S",
    "%d.%m.%Y",
    "%m/%d/%Y %I:%M:%S %p",
    "%m-%d-%y %H:%M",
]
moments = st.datetimes(datetime(1995, 1, 1), datetime(2026, 6, 14))


@settings(max_examples=200)
@given(st.lists(moments, min_size=1, max_size=30), st.sampled_from(UNAMBIGUOUS))
def test_whatever_strftime_writes_is_read_back_or_called_ambiguous(clocks, written):
    texts = [clock.strftime(written) for clock in clocks]
    wanted = [datetime.strptime(text, written).replace(tzinfo=UTC) for text in texts]
    try:
        assert decided(*texts).instants.to_list() == wanted
    except AmbiguousTimesError:
        assert written[:2] in ("%d", "%m")
        assert written[3:5] in ("%m", "%d")
        assert all(clock.day <= 12 or written.endswith("y %H:%M") for clock in clocks)


@given(st.lists(moments, min_size=1, max_size=20), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_columns_that_fit_both_orders_are_never_guessed(clocks, written):
    both = [clock for clock in clocks if clock.day <= 12 and clock.year < 2026]
    assume(any(clock.day != clock.month for clock in both))
    with pytest.raises(AmbiguousTimesError):
        decided(*(clock.strftime(written) for clock in both))


@given(
    st.lists(moments, min_size=1, max_size=20),
    st.sampled_from([("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)]),
)
def test_counts_since_1970_are_read_in_their_unit(clocks, unit):
    name, size = unit
    whole = [clock.replace(microsecond=0, tzinfo=UTC) for clock in clocks]
    decision = decided(*(str(int(clock.timestamp()) * size) for clock in whole))
    assert decision.instants.to_list() == whole
    assert decision.setting == f'unit = "{name}"'
