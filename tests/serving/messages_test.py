"""Messages, against TensorFlow Serving's own classes."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from unpg_tf.serving import messages


def test_a_request_is_one_of_tensorflow_serving():
    pixels = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    inputs = {"images": pixels, "image_bytes": [b"\0\xff\0", b""]}
    request = messages.predict_request("faces", "verify", inputs, version=7)
    theirs = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert theirs.model_spec.name == "faces"
    assert theirs.model_spec.signature_name == "verify"
    assert theirs.model_spec.version.value == 7
    assert set(theirs.inputs) == set(inputs)
    got = {key: tf.make_ndarray(theirs.inputs[key]) for key in inputs}
    np.testing.assert_array_equal(got["images"], pixels)
    assert got["images"].dtype == np.uint8
    assert got["image_bytes"].tolist() == inputs["image_bytes"]
    # Nothing is in it that theirs doesn't know.
    again = messages.PredictRequest.FromString(theirs.SerializeToString())
    assert len(again.SerializeToString()) == len(request.SerializeToString())


def test_without_a_version_the_server_chooses():
    request = messages.predict_request("faces", "verify", {})
    theirs = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert not theirs.model_spec.HasField("version")


def test_an_answer_of_tensorflow_serving_is_read():
    values = {
        "embedding": np.float32([[0.6, 0.8], [0, 1]]),
        "valid": np.array([True, False]),
    }
    theirs = predict_pb2.PredictResponse()
    theirs.model_spec.name = "faces"
    for key, value in values.items():
        theirs.outputs[key].CopyFrom(tf.make_tensor_proto(value))
    response = messages.PredictResponse.FromString(theirs.SerializeToString())
    got = messages.predict_outputs(response)
    assert set(got) == set(values)
    for key, value in values.items():
        np.testing.assert_array_equal(got[key], value)
        assert got[key].dtype == value.dtype
