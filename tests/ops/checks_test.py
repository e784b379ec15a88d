"""Tests of argument checks."""

import pytest
import tensorflow as tf

from unpg_tf import ops


def test_expect_passes_what_holds():
    ops.expect(1 > 0, "a wonder", value=1)


def test_expect_names_what_it_received():
    with pytest.raises(ValueError) as error:
        ops.expect(False, "low below high", low=2, high="one")
    message = "Expected low below high. Received: low=2, high='one'"
    assert str(error.value) == message


@pytest.mark.parametrize("value", [0, -0.1, 1.1, float("nan"), True, "0.5"])
def test_a_share_is_a_part_of_a_whole(value):
    ops.expect_shares(part=1, least=1e-9)
    with pytest.raises(ValueError) as error:
        ops.expect_shares(part=0.5, rate=value)
    message = f"Expected rate above 0, at most 1. Received: rate={value!r}"
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("float16", "float32"),
        ("bfloat16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_single_precision_is_the_least(given, expected):
    tensor = ops.in_single_precision(tf.constant([1.5], given))
    assert tensor.dtype == expected
    assert tensor.numpy() == [1.5]
