"""The tail is the set of accepted events: sent again or in another order, nothing changes."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.serving.online.environments import DATA
from persona_assets.serving.online.live_tail import (
    REMEMBERED_US,
    Exclusions,
    LiveCounts,
    LiveEvent,
    LiveTail,
)

HOUR = 3_600_000_000
NOON = 1_740_830_400_000_000  # 2025-03-01 12:00 UTC


def event(number: int = 1, **fields: object) -> LiveEvent:
    usual = LiveEvent(f"e{number}", "ann", "cup", "view", NOON + number, NOON + number)
    return replace(usual, **fields)


TIMES = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
EVENTS = st.builds(
    LiveEvent,
    event_id=TEXTS,
    user_id=st.sampled_from(["ann", "bob", "", "an"]),
    product_id=st.sampled_from(["cup", "mug", "ü\x00"]),
    event_type=st.sampled_from(["view", "purchase", "reject", "add_to_cart"]),
    event_ts=st.sampled_from([NOON, NOON + 1, -5]) | TIMES,
    arrived_at=st.sampled_from([NOON, NOON + HOUR]) | TIMES,
    quantity=st.none() | st.floats(allow_nan=False),
    price=st.none() | st.floats(allow_nan=False),
    session_id=st.none() | TEXTS,
    recommendation_id=st.none() | TEXTS,
)
SETS = st.lists(EVENTS, max_size=12, unique_by=lambda each: each.event_id)


def everything(tail: LiveTail) -> object:
    people, products = ["ann", "bob", "", "an"], ["cup", "mug", "ü\x00"]
    return (
        [tail.events_of(each, -(2**63)) for each in people],
        [tail.exclusions_of(each) for each in people],
        [tail.counts_of("user", each, -(2**63)) for each in people],
        [tail.counts_of("product", each, -(2**63)) for each in products],
    )


@given(events=SETS, data=st.data())
def test_any_order_and_any_repetition_give_the_same_tail(tmp_path_factory, events, data):
    one = LiveTail(tmp_path_factory.mktemp("one"), map_bytes=1 << 24)
    two = LiveTail(tmp_path_factory.mktemp("two"), map_bytes=1 << 24)
    assert one.append(events) == len(events)
    for each in data.draw(st.permutations(events + events[:3])):
        two.append([each])
    assert everything(one) == everything(two)
    ordered = sorted(events, key=lambda each: (each.event_ts, each.event_id))
    assert one.events_of("ann", -(2**63)) == tuple(e for e in ordered if e.user_id == "ann")
    assert one.counts_of("product", "cup", -(2**63)) == LiveCounts(
        sum(e.product_id == "cup" for e in events),
        sum(e.product_id == "cup" and e.event_type == "view" for e in events),
        sum(e.product_id == "cup" and e.event_type == "purchase" for e in events),
    )


@given(events=SETS, limit=st.sampled_from([NOON, NOON + 1, NOON + HOUR]))
def test_forgetting_leaves_the_tail_of_what_arrived_later(tmp_path_factory, events, limit):
    forgotten = LiveTail(tmp_path_factory.mktemp("forgotten"), map_bytes=1 << 24)
    never = LiveTail(tmp_path_factory.mktemp("never"), map_bytes=1 << 24)
    forgotten.append(events)
    later = [each for each in events if each.arrived_at >= limit]
    assert forgotten.forget_before(limit) == len(events) - len(later)
    never.append(later)
    for part in (0, 2, 3):
        assert everything(forgotten)[part] == everything(never)[part]


@pytest.fixture
def tail(tmp_path: Path) -> LiveTail:
    return LiveTail(tmp_path / "online" / "tail")


def test_the_newest_events_are_those_asked_for(tail):
    tail.append([event(n) for n in (3, 1, 2)])
    assert [e.event_id for e in tail.events_of("ann", NOON + 2)] == ["e2", "e3"]
    assert [e.event_id for e in tail.events_of("ann", most=2)] == ["e2", "e3"]
    assert tail.events_of("ann", most=0) == ()
    assert tail.events_of("bob") == ()


def test_what_was_bought_or_rejected_stays_excluded_when_its_event_is_forgotten(tail):
    tail.append([event(1, event_type="purchase"), event(2, event_type="reject", product_id="mug")])
    assert tail.forget_before(NOON + HOUR) == 2
    assert tail.events_of("ann") == ()
    assert tail.exclusions_of("ann") == Exclusions(frozenset({"cup"}), frozenset({"mug"}))


def test_a_forgotten_event_that_is_sent_again_within_a_week_is_known(tail):
    tail.append([event(1)])
    tail.forget_before(NOON + HOUR)
    assert tail.append([event(1, arrived_at=NOON + 2 * HOUR)]) == 0
    tail.forget_before(NOON + HOUR + REMEMBERED_US)
    assert tail.append([event(1)]) == 1


def test_only_what_arrived_since_the_snapshot_is_counted(tail):
    late = event(2, event_ts=NOON - 30 * 24 * HOUR, arrived_at=NOON + HOUR)
    tail.append([event(1, event_type="purchase"), late])
    assert tail.counts_of("user", "ann") == LiveCounts(2, 1, 1)
    assert tail.counts_of("user", "ann", NOON + HOUR) == LiveCounts(1, 1, 0)
    assert tail.counts_of("product", "cup", NOON + 2 * HOUR) == LiveCounts()


@pytest.mark.parametrize(
    "fields", [{"event_ts": 2**63}, {"user_id": None}, {"product_id": "\ud800"}, {"price": "9"}]
)
def test_of_a_batch_with_an_event_that_cannot_be_stored_nothing_is(tail, fields):
    with pytest.raises(DataError, match=r"cannot be stored: .*validate it"):
        tail.append([event(1), event(2, **fields)])
    assert tail.events_of("ann") == ()
    assert tail.append([event(1)]) == 1


def test_a_full_tail_is_named_and_stores_nothing_of_the_batch(tmp_path):
    tail = LiveTail(tmp_path, map_bytes=1 << 17)
    tail.append([event(1)])
    with pytest.raises(InfrastructureError, match=r"is full.*ingested"):
        tail.append([event(n) for n in range(2, 2000)])
    assert [e.event_id for e in tail.events_of("ann")] == ["e1"]


@pytest.mark.parametrize("content", [b"", b"no environment at all" * 1000])
def test_a_damaged_tail_is_named_with_its_remedy(tmp_path, content):
    (tmp_path / DATA).write_bytes(content)
    if content:
        with pytest.raises(DataError, match=r"is damaged .*filled from the event log"):
            LiveTail(tmp_path)
    else:
        assert LiveTail(tmp_path).events_of("ann") == ()  # made, and nothing written yet


def test_a_tail_that_was_cut_is_refused_before_it_is_mapped(tmp_path):
    tail = LiveTail(tmp_path)
    tail.append([event(n) for n in range(3000)])
    tail.flush()
    del tail
    file = tmp_path / DATA
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(DataError, match=r"is damaged \(data.mdb has \d+ of its \d+ pages\)"):
        LiveTail(tmp_path)


def test_a_reader_without_a_tail_sees_no_events_and_then_the_first(tmp_path):
    reader = LiveTail(tmp_path / "tail", readonly=True)
    assert reader.events_of("ann") == ()
    assert reader.counts_of("user", "ann") == LiveCounts()
    assert not (tmp_path / "tail").exists()
    writer = LiveTail(tmp_path / "tail")
    writer.append([event(1)])
    assert [e.event_id for e in reader.events_of("ann")] == ["e1"]
    with pytest.raises(DataError, match="open for reading alone"):
        reader.append([event(2)])


WRITER = """
import sys
from pathlib import Path
from persona_assets.serving.online.live_tail import LiveEvent, LiveTail
tail = LiveTail(Path(sys.argv[1]))
for number in range(1_000_000):
    tail.append([LiveEvent(f"e{number}-{n}", "ann", "cup", "view", number, number) for n in (1, 2)])
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_said_it_had_stored(tmp_path):
    reader = LiveTail(tmp_path, readonly=True)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    for _ in range(40):
        said = int(writer.stdout.readline())
        # Other processes read while it writes: whole batches, never half of one.
        assert len(reader.events_of("ann")) % 2 == 0
    writer.send_signal(signal.SIGKILL)
    said = int((writer.stdout.read().split() or [said])[-1])
    writer.wait()
    found = reader.events_of("ann")
    assert len(found) in (2 * (said + 1), 2 * (said + 2))
    assert LiveTail(tmp_path / "elsewhere").append([event(1)]) == 1
