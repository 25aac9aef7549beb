"""Descriptions: what is said follows from the numbers, and nothing else is said."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.segmentation.wording import MOST, NEGLIGIBLE, WORDED, Trait, describe

LARGER = re.compile(r"\b(more often|larger|longer|wider|higher|more)\b")
SMALLER = re.compile(r"\b(less often|smaller|shorter|narrower|lower|fewer|less)\b")


def test_the_strongest_comes_first_with_the_medians_of_both_sides():
    assert describe(
        [
            Trait("recency_days", 9.2, 84.0, -0.5),
            Trait("gross_spend", 2690.4, 421.0, 0.9),
            Trait("orders", 9.0, 2.0, 0.8),
        ]
    ) == (
        "They spend far more (median 2,690; others 421), order far more often (9 orders; others "
        "2) and last bought far more recently (9 days ago; others 84)."
    )


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (0.146, "They do not differ noticeably from the other customers."),
        (0.147, "They spend slightly more (median 30; others 20)."),
        (0.329, "They spend slightly more (median 30; others 20)."),
        (0.33, "They spend more (median 30; others 20)."),
        (0.473, "They spend more (median 30; others 20)."),
        (0.474, "They spend far more (median 30; others 20)."),
    ],
)
def test_words_of_strength_are_those_of_romano(effect, said):
    assert describe([Trait("gross_spend", 30.0, 20.0, effect)]) == said
    smaller = said.replace("more (", "less (").replace("30; others 20", "20; others 30")
    assert describe([Trait("gross_spend", 20.0, 30.0, -effect)]) == smaller


def test_third_and_fourth_must_be_medium_and_there_is_no_fifth():
    names = ("gross_spend", "orders", "average_order_value", "recency_days", "tenure_days")
    weak = [Trait(name, 30.0, 20.0, 0.2) for name in names]
    assert describe(weak).count("others") == 2
    strong = [Trait(name, 30.0, 20.0, 0.4) for name in names]
    assert describe(strong).count("others") == 4


def test_products_and_categories_are_told_once():
    both = [Trait("products", 30.0, 20.0, 0.5), Trait("categories", 3.0, 2.0, 0.6)]
    assert describe(both) == "They buy from far more categories (median 3 categories; others 2)."


def test_what_few_of_the_segment_have_is_not_told():
    rare = Trait("days_between_orders", 20.0, 60.0, -0.9, known=0.49)
    assert describe([rare]) == "They do not differ noticeably from the other customers."
    assert "order at far shorter intervals" in describe([rare._replace(known=0.5)])


@pytest.mark.parametrize(
    ("median", "rest"),
    [(1.0, 1.0), (100.2, 100.4), (None, 2.0), (2.0, None), (3.0, 2.0)],
)
def test_what_the_written_medians_do_not_show_is_not_told(median, rest):
    assert "spend" not in describe([Trait("gross_spend", median, rest, -0.9)])


def test_singular_and_plural_days_and_percent():
    assert "(median 1 order; others 3)" in describe([Trait("orders", 1.0, 3.0, -0.9)])
    assert "(median 2.5 orders; others 1)" in describe([Trait("orders", 2.5, 1.0, 0.9)])
    assert "(median 1 day ago; others 40)" in describe([Trait("recency_days", 1.0, 40.2, -0.9)])
    assert "(median 0.25 days ago; others 40)" in describe(
        [Trait("recency_days", 0.25, 40.2, -0.9)]
    )
    assert describe([Trait("return_rate", 0.25, 0.0, 0.9)]) == (
        "They have a far higher share of returns (median 25 %; others 0 %)."
    )


def test_a_single_segment_has_nothing_to_be_compared_with():
    assert describe([Trait("orders", 3.0, None, None)], alone=True) == (
        "All customers are in this segment: there are no others to compare them with."
    )


numbers = st.none() | st.floats(-1e7, 1e7) | st.sampled_from([0.0, 1.0, 1.5, 20.0])
traits = st.lists(
    st.builds(
        Trait,
        st.sampled_from((*WORDED, "spend_trend", "lines")),
        numbers,
        numbers,
        st.none() | st.floats(-1, 1),
        st.floats(0, 1),
    ),
    unique_by=lambda trait: trait.feature,
)


@settings(max_examples=300)
@given(traits)
def test_words_always_follow_the_numbers(found):
    text = describe(found)
    clauses = re.findall(r"[^()]+\([^()]+\)", text)
    assert len(clauses) <= MOST
    assert text.endswith(".")
    for clause in clauses:
        words, own, rest = re.fullmatch(
            r"(.+) \((?:median )?([-\d,.e+]+)[^;]*; others ([-\d,.e+]+).*\)", clause
        ).groups()
        own, rest = (float(each.replace(",", "")) for each in (own, rest))
        if "recently" in words or SMALLER.search(words):
            assert own < rest
        else:
            assert LARGER.search(words)
            assert own > rest
    strong = [t for t in found if t.effect is not None and abs(t.effect) >= NEGLIGIBLE]
    assert len(clauses) <= len(strong)


@pytest.mark.parametrize("feature", WORDED)
def test_every_feature_has_words_for_both_directions(feature):
    more, less = (
        describe([Trait(feature, *medians, effect)])
        for medians, effect in (((0.9, 0.1), 0.9), ((0.1, 0.9), -0.9))
    )
    assert more != less
    for text in (more, less):
        assert "far " in text
        assert "{" not in text
