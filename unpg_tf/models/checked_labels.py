"""Labels that no step could take, named in one line and as soon as seen."""

import functools

import numpy as np
import tensorflow as tf

from unpg_tf import compat
from unpg_tf import ops
from unpg_tf.models.checks import only


class CheckedLabels:
    """Mixed into a Keras model with a `head`, names wrong labels at once."""

    def fit(self, x=None, y=None, *args, **kwargs):
        """As in Keras; wrong labels are named before the first step."""
        _expect_labels(x, y, self.head.num_classes)
        validation = kwargs.get("validation_data")
        if isinstance(validation, tf.data.Dataset):
            validation = (validation, None)
        if isinstance(validation, tuple):
            _expect_labels(*validation[:2], self.head.num_classes)
        return super().fit(x, y, *args, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """As in Keras; wrong labels are named before the first step."""
        _expect_labels(x, y, self.head.num_classes)
        return super().evaluate(x, y, *args, **kwargs)

    def train_on_batch(self, x, y=None, *args, **kwargs):
        """As in Keras; wrong labels are named before the step."""
        _expect_labels(x, y, self.head.num_classes)
        return super().train_on_batch(x, y, *args, **kwargs)

    def test_on_batch(self, x, y=None, *args, **kwargs):
        """As in Keras; wrong labels are named before the step."""
        _expect_labels(x, y, self.head.num_classes)
        return super().test_on_batch(x, y, *args, **kwargs)

    def make_train_function(self, force=False):
        """As in Keras, with errors of one line for wrong labels."""
        function = super().make_train_function(force)
        self.train_function = _with_short_errors(
            function or self.train_function
        )
        return self.train_function

    def make_test_function(self, force=False):
        """As in Keras, with errors of one line for wrong labels."""
        function = super().make_test_function(force)
        self.test_function = _with_short_errors(function or self.test_function)
        return self.test_function


def _expect_labels(x, y, num_classes):
    """Raises an error of one line for labels that can't be trained on.

    Of a dataset it sees shape and dtype; the labels themselves are seen in
    the steps alone.

    Args:
        x: What `fit` was given as images, perhaps a `tf.data.Dataset`.
        y: What it was given as labels.
        num_classes: int.

    Raises:
        ValueError: If shape or dtype are others than `ops.class_ids` takes.
        tf.errors.InvalidArgumentError: If a label is out of range or no
            whole number.
    """
    if isinstance(x, tf.data.Dataset):
        _expect_spec(x.element_spec)
    elif isinstance(y, list) and not any(hasattr(e, "shape") for e in y):
        raise ValueError(
            "Expected labels in an array: np.array(labels). Received: a list"
        )
    elif y is not None:
        _expect_array(np.asarray(only("labels", y)), num_classes)
    else:
        # What else has no labels beside it may have them within.
        is_array = hasattr(x, "shape")
        ops.expect(not is_array, "labels beside the images", y=y)


def _expect_spec(spec):
    if not isinstance(spec, tuple) or len(spec) < 2:
        return
    for images in tf.nest.flatten(spec[0]):
        # Keras 2 takes the shape of the backbone's input.
        ops.expect(
            not compat.IS_KERAS_3 or images.shape.rank is not None,
            "images of known rank: from_generator(..., output_signature=...), "
            "or tf.ensure_shape after a py_function",
            images=images,
        )
    spec = only("labels", spec[1])
    ops.expect(
        isinstance(spec, tf.TensorSpec),
        "labels in one dense tensor",
        labels=spec,
    )
    is_number = spec.dtype.is_integer or spec.dtype.is_floating
    ops.expect_label_form(spec.dtype.name, is_number, spec.shape)


def _expect_array(labels, num_classes):
    if labels.dtype == object:
        labels = np.array(labels.tolist())
    is_number = labels.dtype.kind in "iuf"
    shape = tf.TensorShape(labels.shape)
    ops.expect_label_form(labels.dtype.name, is_number, shape)
    right = (labels >= 0) & (labels < num_classes)
    if labels.dtype.kind == "f":
        right &= labels == np.floor(labels)
    if not right.all():
        row = np.argmin(right)
        raise tf.errors.InvalidArgumentError(
            None,
            None,
            "Expected labels in [0, num_classes), whole numbers. Received: "
            f"num_classes = {num_classes} and a label of {labels.flat[row]} in "
            f"row {row}",
        )


def _with_short_errors(function):
    """Has a step say of a wrong label that alone, not where in the graph.

    Args:
        function: A step, or several, as Keras makes them; perhaps returned by
            this function before.

    Returns:
        A function like it.
    """
    if hasattr(function, "has_short_errors"):
        return function

    @functools.wraps(function)
    def short(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except tf.errors.InvalidArgumentError as error:
            reason = ops.label_error_in(error.message)
            if reason is None:
                raise
        raise tf.errors.InvalidArgumentError(None, None, reason)

    short.has_short_errors = True
    return short
