"""What is Redis' own: failures without its password, lost rows, killed writers."""

import time

import polars as pl
import pytest
import redis

from persona_assets import settings
from persona_assets.errors import DataError, InfrastructureError, UserError
from persona_assets.serving.online import redis_store
from persona_assets.serving.online.opening import open_store
from persona_assets.serving.online.packing import Layout
from persona_assets.serving.online.views import OnlineView

VIEW = OnlineView("user_features", 1, "user_id", (("views", "int64"),), ttl_s=86_400)


def published(store, *names, views=1):
    rows = [(name, views, views, views) for name in names]
    with store.stage() as stage:
        stage.put(VIEW, pl.DataFrame(rows, schema=Layout(VIEW).schema, orient="row"))
        stage.describe(VIEW)
    store.backend.approve(stage.name)
    store.backend.publish()


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hidden@127.0.0.1:1/0",
        "redis://hidden:hidden@127.0.0.1:hidden/0",
        "http://:hidden@127.0.0.1/0",
        "hidden",
    ],
)
def test_no_message_and_no_setting_shows_the_password(tmp_path, url):
    with pytest.raises((UserError, InfrastructureError)) as caught:
        open_store(tmp_path, url).read("user_features", "a")
    error = caught.value
    while error is not None:
        assert "hidden" not in str(error) + repr(error)
        error = error.__cause__
    given = settings.load({"PERSONA_HOME": str(tmp_path), "PERSONA_ONLINE_URL": url})
    assert given.online_url == url
    assert "hidden" not in repr(given)


def test_a_wrong_password_is_the_infrastructures_fault_and_not_shown(tmp_path, redis_url):
    wrong = redis_url.replace("s3cret-of-the-tests", "another-secret")
    with pytest.raises(
        InfrastructureError, match=r"cannot use the online store redis://127"
    ) as caught:
        open_store(tmp_path, wrong).read("user_features", "a")
    assert "secret" not in str(caught.value)


def test_an_evicted_row_is_noticed_by_the_verification(tmp_path, redis_url):
    store = open_store(tmp_path, redis_url)
    published(store, "a", "b")
    store.backend.verify()
    client = redis.Redis.from_url(redis_url)
    client.delete(*client.keys("persona:online:*user_features*b"))
    with pytest.raises(DataError, match="has 1 rows of user_features and not 2"):
        store.backend.verify()
    client.delete(*client.keys("persona:online:manifest:*"))
    with pytest.raises(DataError, match=r"manifest of a snapshot .* is lost"):
        open_store(tmp_path, redis_url).read("user_features", "a")


def test_replaced_and_abandoned_snapshots_are_removed_after_their_time(
    tmp_path, redis_url, monkeypatch
):
    store = open_store(tmp_path, redis_url)
    client = redis.Redis.from_url(redis_url)

    def held() -> int:
        return len(client.keys("persona:online:*user_features*"))

    published(store, "a", views=1)
    published(store, "a", views=2)
    assert held() == 2  # the replaced one has its grace
    unfinished = store.stage()
    unfinished.__enter__().put(
        VIEW, pl.DataFrame([("x", 1, 1, 1)], schema=Layout(VIEW).schema, orient="row")
    )  # its writer is killed now
    assert held() == 3
    now = time.time()
    monkeypatch.setattr(redis_store.time, "time", lambda: now + redis_store.GRACE_S + 1)
    published(store, "a", views=3)
    assert held() == 3  # the first is gone, the unfinished one may still be written
    monkeypatch.setattr(redis_store.time, "time", lambda: now + redis_store.ABANDONED_S * 3)
    published(store, "a", views=4)
    assert held() == 2 - 1 + 1
    assert store.read("user_features", "a").values["views"] == 4


def test_nothing_outside_of_the_stores_keys_is_touched(tmp_path, redis_url):
    client = redis.Redis.from_url(redis_url)
    client.set("a shop's own", "1")
    store = open_store(tmp_path, redis_url)
    published(store, "a", "*", "[b]")
    assert store.frame("user_features")["user_id"].to_list() == ["*", "[b]", "a"]
    store.backend.clear()
    assert client.keys("*") == [b"a shop's own"]
