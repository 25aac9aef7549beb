from datetime import date

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.lifecycle.gate import coverage, measure
from persona_assets.lifecycle.validation import Week
from persona_assets.tables.models import TOP_K

FIRST, SECOND = date(2024, 1, 22), date(2024, 1, 29)
USERS = [f"u{number:02d}" for number in range(40)]
PRODUCTS = [f"p{number}" for number in range(20)]


def made_week(cutoff, users=USERS):
    """Everybody wants p0; all products are on sale."""
    known = pl.DataFrame({"user_id": "x", "product_id": PRODUCTS})
    relevant = pl.DataFrame({"user_id": users, "product_id": "p0"})
    return Week(cutoff, known, relevant, "none")


def lists(cutoff, of, users=USERS):
    """`of(user)` → the products listed to that user."""
    rows = [
        (cutoff, "m", user, rank, product, 1.0 / rank)
        for user in [*users, "*"]
        for rank, product in enumerate(of(user), start=1)
    ]
    return pl.DataFrame(rows, schema=TOP_K.polars_schema, orient="row")


def good(user):
    return ["p0", "p1"]


def bad(user):
    return ["p1", "p2"]


def measured(candidate, champion, weeks=(FIRST, SECOND), users=USERS):
    return measure(
        [made_week(each, users) for each in weeks],
        {each: lists(each, candidate) for each in weeks},
        {each: lists(each, champion) for each in weeks},
        against="champ",
        seed=1,
    )


def test_a_better_candidate_passes_and_its_numbers_are_kept():
    found = measured(good, bad)
    assert found.objections() == []
    assert found.as_dict() == {
        "against": "champ",
        "metric": "ndcg@10",
        "weeks": ("2024-01-22", "2024-01-29"),
        "users": 40,
        "candidate": 1.0,
        "champion": 0.0,
        "difference": 1.0,
        # Two users more, one of whom prefers the champion, are possible.
        "low": pytest.approx(0.929, abs=1e-3),
        "high": pytest.approx(1.071, abs=1e-3),
        "p_value": pytest.approx(1 / 10_001),
        "coverage": 0.1,
        "champion_coverage": 0.1,
        "tolerance": 0.05,
    }


@pytest.mark.parametrize(("candidate", "champion"), [(bad, good), (good, good)])
def test_a_worse_or_an_equal_one_is_refused_with_the_numbers(candidate, champion):
    [why] = measured(candidate, champion).objections()
    assert "ndcg@10" in why
    assert "1.0000 of champ" in why
    assert "over 40 user(s) is not above 0 beyond chance (p = " in why


def test_a_difference_that_chance_may_have_made_is_refused():
    def lucky_with_two(user):
        return good(user) if user < "u02" else bad(user)

    found = measured(lucky_with_two, bad)
    assert found.difference == pytest.approx(2 / 40)
    [why] = found.objections()
    # Both who differ have it better: one of the four ways in which signs may fall, or the reverse.
    assert found.p_value == pytest.approx(0.5)
    assert "+0.0500 [-0.0486, +0.1486] over 40 user(s) is not above 0 beyond chance" in why
    assert "(p = 0.5; below 0.05 is asked for)" in why


def test_people_are_paired():
    # 20 have their product first, 20 last: lists differ much among people and little among sides.
    def champion(user):
        return ["p0", *PRODUCTS[1:10]] if user < "u20" else [*PRODUCTS[1:10], "p0"]

    def candidate(user):
        return ["p0", *PRODUCTS[1:10]] if user < "u20" else [*PRODUCTS[1:9], "p0", "p9"]

    found = measured(candidate, champion)
    assert found.difference < 0.01
    assert found.objections() == []


def test_a_person_counts_once_however_many_weeks():
    weeks = [made_week(FIRST, USERS), made_week(SECOND, USERS[:10])]

    def side(first, second):
        return {FIRST: lists(FIRST, first), SECOND: lists(SECOND, second)}

    found = measure(weeks, side(bad, good), side(bad, bad), against="champ", seed=1)
    assert found.users == 40
    # Ten people gained in one of their two weeks.
    assert found.difference == pytest.approx(10 * 0.5 / 40)


@pytest.mark.parametrize(("people", "passes"), [(5, False), (6, True)])
def test_a_handful_of_people_is_not_enough(people, passes):
    found = measured(good, bad, users=USERS[:people])
    assert found.p_value == pytest.approx(2 / 2**people)
    assert bool(found.objections()) != passes


@pytest.mark.parametrize(("shown", "refused"), [(19, False), (18, True)])
def test_a_twentieth_of_the_coverage_may_be_lost_and_no_more(shown, refused):
    def all_products(user):  # 20 products over the people, p0 never on top
        return ["p1", PRODUCTS[int(user[1:]) % 20]] if user != "*" else bad(user)

    def fewer(user):
        return list(dict.fromkeys(["p0", PRODUCTS[int(user[1:]) % shown]])) if user != "*" else []

    def champion(user):
        return list(dict.fromkeys(all_products(user)))

    found = measured(fewer, champion)
    assert found.champion_coverage == 1.0
    assert found.coverage == pytest.approx(shown / 20)
    assert bool(found.objections()) == refused
    if refused:
        assert found.objections() == [
            "it lists 90.0% of the products on sale, champ 100.0%; at least 95.0% is asked for "
            "(a loss of 5%)"
        ]


def test_coverage_counts_shown_products_on_sale_of_peoples_lists():
    def of(user):
        return ["gone", "p3"] if user == "u00" else ["p19"] if user == "*" else []

    assert coverage(lists(FIRST, of), made_week(FIRST)) == pytest.approx(1 / 20)
    deep = lists(FIRST, lambda user: PRODUCTS[:12])
    assert coverage(deep, made_week(FIRST)) == pytest.approx(10 / 20)


def test_no_week_is_no_verdict():
    with pytest.raises(UserError, match="no evaluated week"):
        measure([], {}, {}, against="champ", seed=1)
