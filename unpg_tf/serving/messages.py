"""TensorFlow Serving's messages, of which TensorFlow itself has none.

A request to predict, the answer, and the log of a request that warms a server
up, with the field numbers of `tensorflow_serving/apis/*.proto` in TensorFlow
Serving's public interface. On the wire a map is a list of entries, and a
message within a message is its bytes: that is how tensors are held here.
"""

import tensorflow as tf
from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory
from tensorflow.core.framework.tensor_pb2 import TensorProto

_PACKAGE = "unpg_tf.serving"
# The name of each field, its number and its type; a list for a repeated one.
_MESSAGES = {
    "Version": [("value", 1, "int64")],
    "ModelSpec": [
        ("name", 1, "string"),
        ("version", 2, "Version"),
        ("signature_name", 3, "string"),
    ],
    "Tensor": [("key", 1, "string"), ("value", 2, "bytes")],
    "PredictRequest": [
        ("model_spec", 1, "ModelSpec"),
        ("inputs", 2, ["Tensor"]),
    ],
    "PredictResponse": [
        ("outputs", 1, ["Tensor"]),
        ("model_spec", 2, "ModelSpec"),
    ],
    "PredictLog": [("request", 1, "PredictRequest")],
    "PredictionLog": [("predict_log", 6, "PredictLog")],
}


def _message_classes():
    file = descriptor_pb2.FileDescriptorProto(
        name="unpg_tf/serving.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields:
            message.field.append(_field(*field))
    # A pool of its own, since `tensorflow-serving-api` fills the common one.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        )
        for name in _MESSAGES
    }


def _field(name, number, kind):
    field = descriptor_pb2.FieldDescriptorProto(name=name, number=number)
    repeated = isinstance(kind, list)
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    kind = kind[0] if repeated else kind
    if kind in _MESSAGES:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
    return field


_CLASSES = _message_classes()
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
PredictionLog = _CLASSES["PredictionLog"]


def predict_request(name, signature, inputs, version=None):
    """Makes a request to predict.

    Args:
        name: string, the name under which the server has the model.
        signature: string, the name of the signature.
        inputs: dictionary from the signature's input names to arrays.
        version: integer; None for the server's highest.

    Returns:
        A `PredictRequest`, whose bytes are those of TensorFlow Serving's.

    Example:
        >>> images = np.zeros((1, 112, 112, 3), np.uint8)
        >>> request = predict_request(
        ...     "faces", "serving_default", {"images": images}
        ... )
        >>> contents = request.SerializeToString()
    """
    request = PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    for key, value in inputs.items():
        value = tf.make_tensor_proto(value).SerializeToString()
        request.inputs.add(key=key, value=value)
    return request


def predict_outputs(response):
    """Reads the answer to a request to predict.

    Args:
        response: a `PredictResponse`.

    Returns:
        Dictionary from the signature's output names to arrays.
    """
    return {
        output.key: tf.make_ndarray(TensorProto.FromString(output.value))
        for output in response.outputs
    }
