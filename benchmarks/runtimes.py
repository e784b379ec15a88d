"""Other runtimes than TensorFlow that read an exported model.

Each function takes the folder of a SavedModel, and gives a function from
[n, h, w, 3] uint8 images to the [n, dim] embeddings of `serving_default`.
Packages: openvino, tf2onnx with onnx and onnxruntime, ai-edge-litert.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf


def tensorflow(directory):
    """TensorFlow itself."""
    loaded = tf.saved_model.load(directory)

    def embed(images):
        # Through the loaded object, which owns the variables.
        ask = loaded.signatures["serving_default"]
        return ask(images=tf.constant(images))["embedding"].numpy()

    return embed


def openvino(directory):
    """OpenVINO, which reads the SavedModel directly."""
    import openvino

    core = openvino.Core()
    # It would compute in half precision where the processor can.
    compiled = core.compile_model(
        core.read_model(directory),
        "CPU",
        {openvino.properties.hint.inference_precision: openvino.Type.f32},
    )
    return lambda images: _embedding(compiled(images).values())


def onnxruntime(directory):
    """ONNX Runtime, by way of tf2onnx."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.onnx")
        subprocess.run(
            [sys.executable, "-m", "tf2onnx.convert", "--opset=17"]
            + [f"--saved-model={directory}", f"--output={path}"],
            capture_output=True,
            check=True,
        )
        session = onnxruntime.InferenceSession(path)
    (name,) = (node.name for node in session.get_inputs())
    return lambda images: _embedding(session.run(None, {name: images}))


def litert(directory, optimizations=()):
    """LiteRT, which was TensorFlow Lite; an image at a time, as on a phone."""
    from ai_edge_litert.interpreter import Interpreter

    converter = tf.lite.TFLiteConverter.from_saved_model(
        directory, signature_keys=["serving_default"]
    )
    converter.optimizations = list(optimizations)
    interpreter = Interpreter(model_content=converter.convert())
    ask = interpreter.get_signature_runner("serving_default")
    return lambda images: np.concatenate(
        [ask(images=image[np.newaxis])["embedding"] for image in images]
    )


def litert_int8(directory):
    """LiteRT with weights of 8 bits, activations quantised as they come."""
    return litert(directory, [tf.lite.Optimize.DEFAULT])


RUNTIMES = {
    "tensorflow": tensorflow,
    "openvino": openvino,
    "onnxruntime": onnxruntime,
    "litert": litert,
    "litert int8": litert_int8,
}


def _embedding(outputs):
    """Of the two outputs the matrix: the other one is the norm."""
    return next(value for value in outputs if value.ndim == 2)
