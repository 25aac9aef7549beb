import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets import notation


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (notation.number(0.12349), "0.123"),
        (notation.number(None), "–"),
        (notation.number(math.nan), "–"),
        (notation.interval(-0.01, 0.1), "[-0.010, 0.100]"),
        (notation.count(1234567), "1,234,567"),
        (notation.counted(1, "week"), "1 week"),
        (notation.counted(0, "week"), "0 weeks"),
        (notation.share(1, 8), "12.5 %"),
        (notation.share(0, 0), "–"),
        (notation.points(-0.0123), "-1.23 pp"),
        (notation.duration(0.004), "0.00 s"),
        (notation.duration(59.94), "59.9 s"),
        (notation.duration(125.4), "2 min 05 s"),
        (notation.p_value(0.0004), "< 0.001"),
        (notation.p_value(0.0421), "0.042"),
        (notation.listed([]), ""),
        (notation.listed(["a"]), "a"),
        (notation.listed(["a", "b"]), "a and b"),
        (notation.listed(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_values_are_written_as_documented(written, expected):
    assert written == expected


@given(st.floats(min_value=0, max_value=1e6))
def test_a_duration_never_shows_sixty_seconds(seconds):
    assert "60" not in notation.duration(seconds).split("min")[-1].split(".")[0]
