"""Commits as Spark makes them, made here by delta-rs: only their metadata matters."""

import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from persona_assets.lake import Commit
from persona_assets.lake.engine import Conflict
from persona_assets.lake.history import USER_METADATA, as_user_metadata, commits, version_of

METADATA = Commit(run_id="run 7", inputs={"raw/users": 3}).metadata()


@pytest.fixture
def commit(tmp_path, rows):
    """commit(text) → writes once more, `text` as the commit's user metadata."""

    def write(text: str | None = None) -> DeltaTable:
        properties = CommitProperties(custom_metadata={USER_METADATA: text} if text else {})
        write_deltalake(tmp_path, rows({}), mode="overwrite", commit_properties=properties)
        return DeltaTable(tmp_path)

    return write


def test_a_commit_is_found_among_those_of_rivals_before_and_after_it(commit):
    delta = commit()
    commit(as_user_metadata(METADATA, "theirs"))
    commit(as_user_metadata(METADATA, "ours"))
    commit(as_user_metadata(METADATA, "theirs"))
    commit("not ours at all")
    assert version_of(delta, "ours") == 2
    assert delta.version() == 4


def test_a_commit_that_was_replaced_in_the_log_is_a_conflict(commit):
    delta = commit(as_user_metadata(METADATA, "ours"))
    # Only what came after `delta` was loaded can be its writer's.
    for _ in range(2):
        with pytest.raises(Conflict, match="another writer replaced this commit"):
            version_of(delta, "ours")
        commit(as_user_metadata(METADATA, "theirs"))


def test_metadata_is_flat_whoever_wrote_it_and_others_keep_their_own(commit):
    commit("a note")
    commit('["a", "list"]')
    delta = commit(as_user_metadata(METADATA, "ours"))
    ours, listed, noted = commits(delta)
    assert {name: ours[name] for name in ours if name.startswith("persona/")} == METADATA
    assert USER_METADATA not in ours
    assert (listed[USER_METADATA], noted[USER_METADATA]) == ('["a", "list"]', "a note")
    assert [each["version"] for each in commits(delta, 2)] == [2, 1]


def test_a_log_that_never_rests_is_a_conflict(commit, monkeypatch):
    delta = commit()
    taken = DeltaTable.history

    def interrupted(table: DeltaTable, limit: int | None = None):
        commit()
        return taken(table, limit)

    monkeypatch.setattr(DeltaTable, "history", interrupted)
    with pytest.raises(Conflict, match="whenever its history was read"):
        commits(delta)
