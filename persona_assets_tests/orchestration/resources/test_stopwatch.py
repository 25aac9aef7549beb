"""The stopwatch adds up what assets take, also when they fail, and tells its listener."""

import pytest

from persona_assets.orchestration.resources.stopwatch import Stopwatch


def test_seconds_of_an_asset_add_up_over_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0, 10.0, 13.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    watch = Stopwatch()
    with watch.measure("raw/events", "read"):
        pass
    with watch.measure("raw/events", "write"):
        pass
    assert dict(watch.seconds) == {"raw/events": 5.0}


def test_failed_phase_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    watch = Stopwatch()
    with pytest.raises(KeyError), watch.measure("raw/events", "compute"):
        raise KeyError
    assert watch.seconds["raw/events"] == 4.0


def test_listener_hears_begin_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    heard: list[tuple[str, str, float]] = []
    watch = Stopwatch(listener=lambda *told: heard.append(told))
    with watch.measure("mart/sessions", "check"):
        assert heard == [("mart/sessions", "check", 0.0)]
    assert heard[-1] == ("mart/sessions", "check", 4.0)
