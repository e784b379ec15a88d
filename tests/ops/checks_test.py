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
