from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.sources.leading_values import leading_values

START = datetime(2024, 5, 13, tzinfo=UTC)
HOUR = timedelta(hours=1)

lines = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", "z", None]), st.integers(0, 6)),
    max_size=25,
)


@given(lines)
def test_leader_at_any_time_is_the_commonest_value_of_the_lines_until_then(rows):
    frame = pl.DataFrame(
        [(key, value, START + hour * HOUR) for key, value, hour in rows],
        schema={"id": pl.String, "said": pl.String, "arrived_at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    changes = leading_values(frame, "id", "said").rows()
    for key in "ab":
        before = None
        for hour in range(7):
            said = [value for k, value, at in rows if k == key and at <= hour and value is not None]
            leader = min(set(said), key=lambda value: (-said.count(value), value), default=None)
            since = [value for k, at, value in changes if k == key and at == START + hour * HOUR]
            assert since == ([leader] if leader != before else [])
            before = leader
