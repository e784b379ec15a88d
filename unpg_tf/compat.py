"""What differs between installations, and matters here."""

import platform

import tensorflow as tf
from tensorflow import keras

# The generation of Keras.
IS_KERAS_3 = hasattr(keras, "Variable")


def expect_backend(name):
    """Raises an `ImportError` for a backend of Keras 3 that isn't TensorFlow.

    Args:
        name: string, of the backend.
    """
    if name != "tensorflow":
        raise ImportError(
            "Expected Keras' TensorFlow backend: KERAS_BACKEND=tensorflow, or "
            f'"backend": "tensorflow" in keras.json. Received: {name}'
        )


if IS_KERAS_3:
    expect_backend(keras.config.backend())

# Whether a function may ask for XLA. Apple's GPUs have no compiler for it.
HAS_XLA = tf.test.is_built_with_xla() and platform.system() != "Darwin"


def has_gpu():
    """Whether steps may run on a GPU, which should not wait for the host."""
    return bool(tf.config.get_visible_devices("GPU"))


def tf_variable(variable):
    """The `tf.Variable` of a Keras variable, which Keras 3 wraps."""
    is_wrapped = IS_KERAS_3 and isinstance(variable, keras.Variable)
    return variable.value if is_wrapped else variable


def replace_layer(model, name, layer):
    """Has a model track another layer, in an attribute's place.

    The attribute itself is to be set after it. By itself Keras 3 would refuse
    that in a built model, and Keras 2 move the layer behind all others.
    """
    former = getattr(model, name)
    if IS_KERAS_3:
        model._tracker.replace_tracked_value("layers", former, layer)
    else:
        tracked = model._self_tracked_trackables
        tracked[tracked.index(former)] = layer


def input_shape(layer):
    """The shape, or the shapes, that a layer was built for; else None."""
    if (
        IS_KERAS_3
        and isinstance(layer, keras.Model)
        and hasattr(layer, "input")
    ):
        # Its `input_shape` is a list also where the inputs are a dictionary.
        return keras.tree.map_structure(lambda x: x.shape, layer.input)
    try:
        return layer.input_shape
    except AttributeError:
        return layer.get_build_config().get("input_shape")


def layer_from_config(config, custom_objects=None):
    """The layer or model that a serialised one stands for.

    Args:
        config: As `keras.utils.serialize_keras_object` makes it; of Keras 2
            also the older form, which the folders of its SavedModels have.
        custom_objects: As in Keras.
    """
    is_old = isinstance(config, dict) and "module" not in config
    if is_old and not IS_KERAS_3:
        return keras.layers.deserialize(
            config, custom_objects, use_legacy_format=True
        )
    return keras.utils.deserialize_keras_object(
        config, custom_objects=custom_objects
    )


def is_built(optimizer):
    """Whether an optimizer has its state."""
    if IS_KERAS_3:
        return optimizer.built
    return getattr(_inner(optimizer), "_built", False)


def build_optimizer(optimizer, variables):
    """Creates the state of an optimizer, unless it has it.

    State that lacks some of the variables, as those of a new head, is made
    anew for all of them. The number of steps and the settings stay.

    Args:
        optimizer: A Keras optimizer, also of Keras 2's older kind.
        variables: List of the weights that it will train.
    """
    if not hasattr(optimizer, "build"):
        optimizer._create_all_weights(variables)
        return
    if is_built(optimizer) and not _knows(optimizer, variables):
        _forget_state(optimizer)
    if not is_built(optimizer):
        optimizer.build(variables)


def _inner(optimizer):
    """What a loss scale is wrapped about, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _knows(optimizer, variables):
    optimizer = _inner(optimizer)
    known = (
        optimizer._trainable_variables_indices
        if IS_KERAS_3
        else optimizer._index_dict
    )
    return all(optimizer._var_key(variable) in known for variable in variables)


def _forget_state(optimizer):
    if _inner(optimizer) is not optimizer:
        _forget_state(optimizer.inner_optimizer)
    if not IS_KERAS_3:
        # A loss scale has no state for a variable.
        optimizer = _inner(optimizer)
        optimizer._variables = [optimizer.iterations]
        optimizer._built = False
        return
    kept = {id(optimizer._iterations), id(optimizer._learning_rate)}
    for variable in optimizer._variables[:]:
        if id(variable) not in kept:
            optimizer._tracker.untrack(variable)
    optimizer._trainable_variables_indices.clear()
    optimizer.built = False


def build_metrics(model, y_true, y_pred):
    """Creates the metrics of a compiled model, once, for such tensors."""
    if not IS_KERAS_3:
        if not model.compiled_metrics.built:
            model.compiled_metrics.build(y_pred, y_true)
    elif model._compile_metrics and not model._compile_metrics.built:
        model._compile_metrics.build(y_true, y_pred)


def addons(instead):
    """TensorFlow Addons, which ended with TensorFlow 2.15.

    Args:
        instead: string, what does the same on other stacks.

    Returns:
        The module `tensorflow_addons`.

    Raises:
        ImportError: On another stack, or where it is missing.
    """
    if IS_KERAS_3 or tf.__version__ >= "2.16":
        raise ImportError(
            "Expected TensorFlow 2.15, the last for TensorFlow Addons; "
            f"{instead} do without. Received: TensorFlow {tf.__version__}"
        )
    try:
        import tensorflow_addons
    except ImportError as error:
        raise ImportError(
            'Expected TensorFlow Addons: pip install "unpg-tf[addons]". '
            f"Received: {error}"
        ) from error
    return tensorflow_addons


def loss_scale(optimizer):
    """The loss scale of a half-precision optimizer, else None."""
    if getattr(optimizer, "inner_optimizer", None) is None:
        return None
    if not IS_KERAS_3:
        scale = optimizer.loss_scale
    elif optimizer.built:
        scale = optimizer.dynamic_scale
    else:
        scale = optimizer.initial_scale
    return float(tf.convert_to_tensor(scale))


def learning_rate(optimizer):
    """The present learning rate of an optimizer, a float.

    With a schedule it is that of the next step on Keras 3, and of the last one
    on Keras 2.
    """
    rate = optimizer.learning_rate
    # Keras 2's older kind of optimizer.
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = rate(optimizer.iterations)
    return float(tf.convert_to_tensor(rate))
