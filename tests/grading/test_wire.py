"""What comes through the pipes is looked at before anything is made of it."""

import json
import socket
import threading

import numpy as np
import pandas as pd
import pytest

from grading.running import wire


def through(value):
    """The value after it went through a pipe."""
    here, there = socket.socketpair()
    with here, there:
        tree, arrays = wire.encode(value)
        sender = threading.Thread(target=wire.send, args=(here, tree, arrays))
        sender.start()
        received = wire.decode(*wire.receive(there))
        sender.join()
    return received


def received(text, body=b""):
    """What is received where these bytes were sent."""
    here, there = socket.socketpair()
    with here, there:
        here.sendall(wire.FRAME.pack(len(text), len(body)) + text + body)
        return wire.receive(there)


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, -2.5, float("inf"), "text", [1, (2, [3])], {1: {"a": 0.5}}, {4, 5},
        np.float32(0.1), np.arange(6.0).reshape(2, 3), np.zeros((0, 3)), np.array(2.5),
        np.asfortranarray(np.arange(6).reshape(2, 3)), np.array([True, False]),
    ],
    ids=repr,
)  # fmt: skip
def test_plain_values_arrive_as_they_were(value):
    arrived = through(value)
    assert type(arrived) is type(value)
    np.testing.assert_equal(arrived, value)
    assert getattr(arrived, "dtype", None) == getattr(value, "dtype", None)


def test_tables_arrive_as_they_were():
    table = pd.DataFrame({"batch_size": [1, 10], "loss": [0.5, np.inf]}, index=[3, 4])
    pd.testing.assert_frame_equal(through(table), table)
    pd.testing.assert_series_equal(through(table["loss"]), table["loss"], check_names=False)


def test_an_object_arrives_as_the_name_of_its_type():
    class AlwaysEqual:
        def __eq__(self, other):
            return True

        def __array__(self, *_):
            raise AssertionError

    arrived = through([AlwaysEqual(), np.array([1.0, "a"], object)])
    assert type(arrived[0]).__name__ == "AlwaysEqual"
    assert arrived[0] != 5
    assert arrived[1] == [1.0, "a"]


def test_an_array_that_arrived_can_be_written_to():
    arrived = through(np.zeros(3))
    arrived += 1
    assert arrived.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "described",
    [
        [["|O", [2]]],
        [["<f8", [-1]]],
        [["<f8", [2**40]]],
        [["<f8", [2**40, 2**40]]],
        [["<f8", [3]]],
        [["<U1000000", [1]]],
        [["f8,f8", [1]]],
        [["<f8", [1] * 20]],
        [["<f8", ["1"]]],
        [["<f8"]],
        [[[], [2]]],
        "<f8",
    ],
    ids=repr,
)
def test_arrays_that_are_none_are_refused(described):
    text = json.dumps({"header": {}, "arrays": described}).encode()
    with pytest.raises(wire.BadMessage):
        received(text, bytes(16))


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 100_000, b'{"header": 1}'], ids=len
)
def test_what_is_no_message_is_refused(text):
    with pytest.raises(wire.BadMessage):
        received(text)


def test_sizes_are_looked_at_before_memory_is_taken():
    here, there = socket.socketpair()
    with here, there, pytest.raises(wire.BadMessage, match="too many"):
        here.sendall(wire.FRAME.pack(10, 2**60))
        wire.receive(there)


def nested(depth):
    return {"list": [nested(depth - 1)]} if depth else None


@pytest.mark.parametrize(
    "tree",
    [
        {"function": 0}, {"data set": []}, {"generator": "{}"}, {"array": 7}, {"array": "0"},
        {"array": 0, "list": []}, {}, 0.5, [1], {"dict": [[1], []]},
        {"dict": [[{"list": []}], [1]]}, {"float": "a"}, {"series": [[1], {"array": 0}]},
        nested(100), {"opaque": 3},
    ],
    ids=lambda tree: repr(tree)[:40],
)  # fmt: skip
def test_trees_that_are_no_value_are_refused(tree):
    with pytest.raises(wire.BadMessage):
        wire.decode(tree, [np.zeros(3)])


def test_what_has_no_end_is_cut_or_refused():
    recursive = []
    recursive.append(recursive)
    for value in iter(int, 1), recursive, list(range(wire.ITEMS + 1)):
        with pytest.raises(wire.BadMessage):
            wire.encode(value)
    assert len(through("x" * 10**6)) == wire.CHARACTERS
