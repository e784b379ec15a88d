"""Optimizers of which each replica updates its own shard."""

import functools

from tensorflow import keras

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf import ops

# They treat each entry of a variable by itself, so that a part is as good as
# the whole. LAMB, Adafactor and Muon don't.
_ELEMENTWISE = (
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "RMSprop",
    "SGD",
)

# They would need all shards, or mix them.
_OPTIONS = (
    "clipnorm",
    "global_clipnorm",
    "gradient_accumulation_steps",
    "use_ema",
)


def keep_shards(optimizer, variables):
    """Builds an optimizer that leaves each shard to the replica that owns it.

    Gradients of shards, the class centres of heads with `sharded=True`, are
    then not summed over the replicas, and the optimizer's state is sharded
    with them. `EmbeddingModel.compile` does it by itself; in a training loop
    of your own call it in the strategy's scope, in place of
    `optimizer.build`.

    Args:
        optimizer: A Keras optimizer that treats each entry by itself, not yet
            built.
        variables: List of the weights that it will train.

    Returns:
        The optimizer.

    Raises:
        ValueError: If the optimizer needs more than a shard to update it, as
            with clipping by norm, or has been built.

    Example:

    >>> with strategy.scope():
    ...     optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    ...     unpg_tf.optimizers.keep_shards(optimizer, variables)
    """
    shards = [v for v in variables if distribute.is_sharded(v)]
    if shards and not hasattr(optimizer, "_keeps_shards"):
        _expect_local_updates(optimizer)
        optimizer._keeps_shards = True
        _leave_shards_out_of_sums(optimizer)
        _shard_the_state(optimizer)
    compat.build_optimizer(optimizer, variables)
    for variable in shards:
        distribute.keep(variable)
    return optimizer


def _expect_local_updates(optimizer):
    known = [getattr(keras.optimizers, n, None) for n in _ELEMENTWISE]
    ops.expect(
        isinstance(optimizer, tuple(filter(None, known))),
        f"an optimizer like one of {_ELEMENTWISE} for sharded class centres; "
        "they can't do with a loss scale (mixed_bfloat16 needs none)",
        optimizer=type(optimizer).__name__,
    )
    for option in _OPTIONS:
        ops.expect(
            not getattr(optimizer, option, None),
            f"no {option} for sharded class centres",
            **{option: getattr(optimizer, option, None)},
        )
    built = compat.is_built(optimizer)
    ops.expect(not built, "an optimizer that isn't built yet", built=built)


def _leave_shards_out_of_sums(optimizer):
    name = (
        "_all_reduce_sum_gradients"
        if compat.IS_KERAS_3
        else "aggregate_gradients"
    )
    summed = getattr(optimizer, name)

    def summed_but_for_shards(grads_and_vars):
        pairs = list(grads_and_vars)
        mirrored = [p for p in pairs if not distribute.is_sharded(p[1])]
        mirrored = iter(summed(mirrored) if mirrored else [])
        return [
            pair if distribute.is_sharded(pair[1]) else next(mirrored)
            for pair in pairs
        ]

    setattr(optimizer, name, summed_but_for_shards)


def _shard_the_state(optimizer):
    add = _add_as_keras_3 if compat.IS_KERAS_3 else _add_as_keras_2
    optimizer.add_variable_from_reference = functools.partial(
        add, optimizer.add_variable_from_reference
    )


def _add_as_keras_3(added, reference_variable, name=None, initializer="zeros"):
    if not distribute.is_sharded(reference_variable):
        return added(reference_variable, name=name, initializer=initializer)
    num_rows, shape = _shapes(reference_variable)
    state = added.__self__.add_variable(
        shape=shape,
        initializer=initializer,
        dtype=reference_variable.dtype,
        name=f"{reference_variable.name}_{name}",
    )
    return distribute.as_shards(state, num_rows)


def _add_as_keras_2(
    added, model_variable, variable_name, shape=None, initial_value=None
):
    if not distribute.is_sharded(model_variable):
        return added(model_variable, variable_name, shape, initial_value)
    num_rows, shape = _shapes(model_variable)
    if initial_value is not None:
        # The same number everywhere, as Adagrad starts with.
        initial_value = initial_value[: shape[0]]
    state = added(model_variable, variable_name, shape, initial_value)
    return distribute.as_shards(state, num_rows)


def _shapes(variable):
    """The rows of the whole, and the shape of a shard."""
    num_rows, *others = variable.shape
    return num_rows, (distribute.rows_of_a_shard(num_rows), *others)
