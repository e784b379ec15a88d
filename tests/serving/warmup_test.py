"""Warm-up requests, parsed and run as TensorFlow Serving does."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tests.serving import models
from unpg_tf import serving


def test_each_request_is_answered_by_its_signature(tmp_path, monkeypatch):
    directory = tmp_path / "faces" / "1"
    directory.parent.mkdir()
    # Of a relative path too the model has the name of the folder around it.
    monkeypatch.chdir(directory.parent)
    serving.save(models.tiny(), "1", threshold=0.5)
    path = directory / "assets.extra" / "tf_serving_warmup_requests"
    served = tf.saved_model.load(str(directory)).signatures
    seen = []
    for record in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.name == "faces"
        name = request.model_spec.signature_name
        inputs = {
            key: tf.constant(tf.make_ndarray(value))
            for key, value in request.inputs.items()
        }
        answer = served[name](**inputs)
        assert all(value.shape[0] == 1 for value in answer.values())
        # A request that fails to decode would warm up nothing.
        assert np.all(answer.get("valid", True))
        seen.append(name)
    assert sorted(seen) == sorted(served)
