"""A model server on loopback: TensorFlow Serving's two protocols.

What it answers comes from a SavedModel. The messages of gRPC are those of
tensorflow-serving-api; the JSON is that of TensorFlow Serving's description of
its REST interface, https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import contextlib
import json
import re
import ssl
import threading
import time
from concurrent import futures
from http import server

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

NAME, VERSION = "faces", 1
PATH = re.compile(r"/v1/models/(\w+)(?:/versions/(\d+))?:predict")


class Refusal(Exception):
    """An answer that is an error: a status of HTTP and one of gRPC."""

    def __init__(self, http, code, message):
        super().__init__(message)
        self.http = http
        self.code = code


class Served:
    """A SavedModel under a name, and what is to go wrong.

    Attributes:
        failures: what the next requests meet: a `Refusal` to raise, seconds
            to wait, a dictionary of arrays to answer, or bytes (REST only).
        requests: number of requests so far.
    """

    def __init__(self, directory):
        self._loaded = tf.saved_model.load(str(directory))
        self.failures = []
        self.requests = 0

    def predict(self, name, version, signature, inputs):
        """A dictionary of arrays, for one of arrays or lists of rows."""
        self.requests += 1
        failure = self.failures.pop(0) if self.failures else 0
        if isinstance(failure, Exception):
            raise failure
        if isinstance(failure, (bytes, dict)):
            return failure
        time.sleep(failure)
        if name != NAME or version not in (None, VERSION):
            raise Refusal(404, "NOT_FOUND", f"Servable not found: {name}")
        function = self._loaded.signatures.get(signature)
        if function is None:
            message = f'Serving signature name: "{signature}" not found'
            raise Refusal(400, "INVALID_ARGUMENT", message)
        specs = function.structured_input_signature[1]
        if set(inputs) != set(specs):
            message = f"Expected inputs {set(specs)}, got {set(inputs)}"
            raise Refusal(400, "INVALID_ARGUMENT", message)
        # JSON has no dtypes; an array of gRPC must have the right one.
        inputs = {
            key: tf.constant(value, specs[key].dtype)
            if isinstance(value, list)
            else tf.constant(value)
            for key, value in inputs.items()
        }
        return {key: value.numpy() for key, value in function(**inputs).items()}


@contextlib.contextmanager
def rest(served, certificate=None):
    """Yields the address of a REST server, over TLS with a certificate."""

    class Handler(server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):  # noqa: N802  So http.server wants it.
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            try:
                self._reply(200, _predictions(served, self.path, body))
            except Refusal as refusal:
                self._reply(refusal.http, {"error": str(refusal)})

        def _reply(self, status, value):
            if not isinstance(value, bytes):
                value = json.dumps(value).encode()
            # A client that has given up isn't there to read.
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(value)))
                self.end_headers()
                self.wfile.write(value)

        def log_message(self, *args):
            pass

    with server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        scheme = "https" if certificate else "http"
        try:
            yield f"{scheme}://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


def _predictions(served, path, body):
    match = PATH.fullmatch(path)
    if match is None:
        raise Refusal(404, "", f"Malformed request: POST {path}")
    request = json.loads(body)
    rows = request["instances"]
    columns = {key: [_value(row[key]) for row in rows] for key in rows[0]}
    version = int(match[2]) if match[2] else None
    signature = request.get("signature_name", "serving_default")
    outputs = served.predict(match[1], version, signature, columns)
    if isinstance(outputs, bytes):
        return outputs
    return {
        "predictions": [
            dict(zip(outputs, row, strict=True))
            for row in zip(
                *map(np.ndarray.tolist, outputs.values()), strict=True
            )
        ]
    }


def _value(value):
    if isinstance(value, dict):
        return base64.b64decode(value["b64"], validate=True)
    return np.asarray(value)


@contextlib.contextmanager
def rpc(served, certificate=None):
    """Yields the address of a gRPC server, over TLS with a certificate."""

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            spec = request.model_spec
            version = spec.version.value if spec.HasField("version") else None
            inputs = {
                key: tf.make_ndarray(value)
                for key, value in request.inputs.items()
            }
            try:
                outputs = served.predict(
                    spec.name, version, spec.signature_name, inputs
                )
            except Refusal as refusal:
                context.abort(grpc.StatusCode[refusal.code], str(refusal))
            response = predict_pb2.PredictResponse()
            for key, value in outputs.items():
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return response

    # As TensorFlow Serving has it; the usual limit is 4 MB.
    options = [("grpc.max_receive_message_length", -1)]
    grpc_server = grpc.server(futures.ThreadPoolExecutor(2), options=options)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Service(), grpc_server
    )
    if certificate:
        key = certificate.private_key_pem.bytes()
        chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
        credentials = grpc.ssl_server_credentials([(key, chain)])
        port = grpc_server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    try:
        yield f"grpc{'s' if certificate else ''}://127.0.0.1:{port}"
    finally:
        grpc_server.stop(None).wait()
