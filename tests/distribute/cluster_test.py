import json

import hypothesis
import pytest
from hypothesis import strategies as st

from unpg_tf.distribute import Cluster
from unpg_tf.distribute import read_cluster

WORKERS = ["a:1", "b:65535"]


def read(monkeypatch, config):
    text = config if isinstance(config, str) else json.dumps(config)
    monkeypatch.setenv("TF_CONFIG", text)
    return read_cluster()


@pytest.mark.parametrize("index", [1, "1"])
def test_a_worker_knows_the_others_and_itself(monkeypatch, index):
    task = {"type": "worker", "index": index}
    config = {"cluster": {"worker": WORKERS}, "task": task}
    expected = Cluster({"worker": WORKERS}, "worker", 1)
    assert read(monkeypatch, config) == expected


@pytest.mark.parametrize("text", ["", "{}"])
def test_who_is_told_nothing_trains_alone(monkeypatch, text):
    assert read(monkeypatch, text) == Cluster({}, "worker", 0)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "Received: {"),
        ("[]", r"Received: \[\]"),
        ("[" * 5000, r"Received: \[\[.* …$"),
        ({"clutser": {"worker": WORKERS}}, "Received: no cluster, but clutser"),
        ({"cluster": WORKERS}, "Received: "),
        ({"cluster": {"worker": "a:1"}}, "Received: worker: 'a:1'"),
        ({"cluster": {"worker": []}}, r"Received: worker: \[\]"),
        ({"cluster": {"worker": ["a"]}}, "the address 'a'"),
        ({"cluster": {"worker": ["a:0"]}}, "the address 'a:0'"),
        ({"cluster": {"worker": ["a:65536"]}}, "the address 'a:65536'"),
        ({"cluster": {"worker": [1]}}, "the address 1"),
        ({"cluster": {"worker": ["a:1", "a:1"]}}, "the address 'a:1' twice"),
        (
            {"cluster": {"chief": ["a:1"], "worker": ["a:1"]}},
            "the address 'a:1' twice",
        ),
        (
            {"cluster": {"worker": WORKERS}, "task": {"index": 1.9}},
            "index 1.9",
        ),
        (
            {"cluster": {"worker": WORKERS}, "task": {"index": True}},
            "index True",
        ),
        ({"cluster": {"worker": WORKERS}, "task": {"index": -1}}, "index -1"),
        ({"cluster": {"worker": WORKERS}, "task": {"type": 3}}, "type 3"),
        ({"cluster": {"worker": WORKERS}, "task": 3}, "Received: "),
    ],
)
def test_a_wrong_cluster_is_refused(monkeypatch, config, message):
    with pytest.raises(ValueError, match=f"Expected TF_CONFIG=.*{message}"):
        read(monkeypatch, config)


@pytest.mark.parametrize("task", [{"index": 2}, {"type": "chief"}])
def test_a_task_outside_the_cluster_is_refused(monkeypatch, task):
    with pytest.raises(ValueError, match="Expected the index of a "):
        read(monkeypatch, {"cluster": {"worker": WORKERS}, "task": task})


LEAVES = st.none() | st.integers(-2, 2) | st.floats() | st.text(max_size=5)
LEAVES |= st.sampled_from(["worker", "chief", "ps", "a:1", ["a:1", "b:1"]])
VALUES = st.lists(LEAVES, max_size=2) | LEAVES


@hypothesis.settings(deadline=None, derandomize=True, max_examples=300)
@hypothesis.given(
    st.fixed_dictionaries(
        {
            "cluster": VALUES
            | st.dictionaries(st.sampled_from(["worker", "chief"]), VALUES),
            "task": VALUES
            | st.fixed_dictionaries({"type": VALUES, "index": VALUES}),
        }
    )
)
def test_any_cluster_is_taken_or_refused(config):
    with pytest.MonkeyPatch.context() as patch:
        try:
            cluster = read(patch, config)
        except ValueError as error:
            assert "TF_CONFIG" in str(error)
        else:
            assert 0 <= cluster.index
