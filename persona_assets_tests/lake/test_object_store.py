"""What both engines are told of an object store, and who may write there at once."""

import tempfile
import threading

import pytest

from persona_assets import settings as settings_module
from persona_assets.errors import UserError
from persona_assets.lake import object_store
from persona_assets.lake.place import brief

KEY, SECRET, TOKEN = "AKIANOBODYSEESME", "the/secret+that/nobody+sees", "a+token/that+nobody/sees"
AT_HOME = {"AWS_ENDPOINT_URL": "http://minio:9000", "AWS_REGION": "eu-west-1"}


def test_place_comes_from_the_environment_where_the_setting_is_silent_but_no_credential():
    environment = {**AT_HOME, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    assert object_store.options("s3://shop/lake", {"region": "us-east-2"}, environment) == {
        "region": "us-east-2",
        "AWS_ENDPOINT_URL": "http://minio:9000",
        "AWS_ALLOW_HTTP": "true",
        "aws_conditional_put": "etag",
    }


@pytest.mark.parametrize("root", ["/data/lake", "gs://shop/lake", "abfss://a@b.example/lake"])
def test_only_s3_needs_more_than_what_was_given(root):
    given = {"google_service_account": "/key.json"}
    assert object_store.options(root, given, AT_HOME) == given
    assert object_store.spark_conf(root, given) == {}
    assert object_store.spark_packages(root) == ()


@pytest.mark.parametrize("chosen", ["AWS_S3_LOCKING_PROVIDER", "aws_conditional_put"])
def test_own_way_of_keeping_writers_apart_is_left_alone(chosen):
    options = object_store.options("s3://shop/lake", {chosen: "dynamodb"}, {})
    assert options == {chosen: "dynamodb"}
    assert object_store.options("s3://shop/lake", {}, {chosen.upper(): "dynamodb"}) == {}


def test_lake_of_an_unknown_kind_is_refused_by_name():
    with pytest.raises(UserError, match=r"PERSONA_LAKE is ftp://shop/lake; use .*s3://"):
        settings_module.load({"PERSONA_LAKE": "ftp://shop/lake"})


@pytest.mark.parametrize("prefix", ["AWS_", "aws_", ""])
def test_spark_is_told_where_the_store_is_and_only_its_jvm_who_asks(prefix):
    names = ("ENDPOINT_URL", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    values = ("http://minio:9000", "eu-west-1", KEY, SECRET, TOKEN)
    spell = str.upper if prefix == "AWS_" else str.lower
    options = {prefix + spell(name): value for name, value in zip(names, values, strict=True)}
    conf = object_store.spark_conf("s3://shop/lake", options)
    assert conf["spark.hadoop.fs.s3a.endpoint"] == "http://minio:9000"
    assert conf["spark.hadoop.fs.s3a.endpoint.region"] == "eu-west-1"
    assert conf["spark.hadoop.fs.s3a.path.style.access"] == "true"
    assert object_store.spark_environment(options) == {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
    }
    assert not [secret for secret in (KEY, SECRET, TOKEN) if secret in str(conf)]


def test_a_spark_driver_has_a_table_for_itself_and_delta_rs_shares_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    entered = threading.Event()

    def enter(uri: str) -> None:
        with object_store.writing(uri, by_spark=False):
            entered.set()

    def enters(uri: str) -> bool:
        entered.clear()
        thread = threading.Thread(target=enter, args=[uri])
        thread.start()
        found = entered.wait(0.3)
        waiting.append(thread)
        return found

    waiting: list[threading.Thread] = []
    table = "s3://shop/lake/mart/quarantine"
    with object_store.writing(table, by_spark=False):
        assert enters(table)
    with object_store.writing(table, by_spark=True):
        assert not enters(table.replace("s3://", "s3a://") + "/")
        assert enters(f"{table}2")
        assert enters("/data/lake/mart/quarantine")
    for thread in waiting:
        thread.join(10)
    assert enters(table)


def test_an_answer_of_the_store_is_told_without_the_key_that_was_used():
    answer = (
        'Error performing GET http://minio:9000/shop: <?xml version="1.0" encoding="UTF-8"?>\n'
        "<Error><Code>InvalidAccessKeyId</Code><Message>The key does not exist.</Message>"
        f"<AWSAccessKeyId>{KEY}</AWSAccessKeyId></Error>"
    )
    assert brief(OSError(answer)) == (
        "Error performing GET http://minio:9000/shop: InvalidAccessKeyId The key does not exist."
    )
