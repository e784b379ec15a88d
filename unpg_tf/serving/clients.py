"""What a client asks: TensorFlow Serving by REST or gRPC, or a SavedModel.

All three have one method, `ask(signature, **inputs)`, which takes lists of one
length, one entry for each row, and gives a dictionary of arrays [n, ...].
"""

import base64
import re
import ssl
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from unpg_tf.files import saved_model_folder
from unpg_tf.serving import messages

# What a server may answer differently a moment later.
_HTTP_AGAIN = (429, 502, 503, 504)
_GRPC_AGAIN = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
_FIRST_PAUSE = 0.25


class Busy(ConnectionError):
    """A server that isn't there, or has no time: worth another try."""


def connect(address, name, version=None, timeout=10.0, retries=3, ca_file=None):
    """Finds out who answers under an address.

    Args:
        address: `http://HOST:PORT` or `https://...` for REST,
            `grpc://HOST:PORT` or `grpcs://...` (over TLS) for gRPC, or the
            folder of a SavedModel, or of several versions of one.
        name: string, the name under which a server has the model.
        version: integer; None for the server's or the folder's highest.
        timeout: float, seconds that a server has for one request.
        retries: integer, further tries where a server is busy or away.
        ca_file: path, with https and grpcs: the PEM file of the certificates
            that vouch for the server; None for those that are well known.

    Returns:
        An object with `ask`.

    Raises:
        FileNotFoundError: there is no such model or `ca_file`.
        ImportError: the package for this way of asking is missing.
        ValueError: the address is none of these, or without TLS beside a
            `ca_file`; or that holds no certificates.
    """
    scheme, found, host = address.partition("://")
    if ca_file is not None:
        _check_authority(address, scheme, ca_file)
    if not found:
        return LocalModel(saved_model_folder(address, version))
    if scheme in ("http", "https"):
        return RestServer(address, name, version, timeout, retries, ca_file)
    if scheme in ("grpc", "grpcs"):
        credentials = _tls(ca_file) if scheme == "grpcs" else None
        return GrpcServer(host, name, version, timeout, retries, credentials)
    raise ValueError(
        "Expected http://, https://, grpc://, grpcs:// or a SavedModel's "
        f"folder. Received: {address}"
    )


class LocalModel:
    """A SavedModel in this process."""

    def __init__(self, path):
        if not Path(path, "saved_model.pb").is_file():
            raise FileNotFoundError(
                "Expected an address such as http://localhost:8501, or a "
                f"folder with a saved_model.pb. Received: {path}"
            )
        # The loaded object owns the variables: without it they are gone.
        try:
            self._loaded = tf.saved_model.load(str(path))
        except Exception as error:
            # TensorFlow has several for files that are damaged or gone.
            raise ValueError(
                f"{path}: Expected a SavedModel that is whole. "
                f"Received: {str(error)[:300]}"
            ) from error

    def ask(self, signature, **inputs):
        """Answers n rows, given as one list for each input."""
        function = self._loaded.signatures.get(signature)
        if function is None:
            raise ValueError(
                f"Expected the signature {signature}. "
                f"Received: {sorted(self._loaded.signatures)}"
            )
        specs = function.structured_input_signature[1]
        inputs = {
            name: tf.constant(value, specs[name].dtype)
            for name, value in inputs.items()
        }
        return {
            name: value.numpy() for name, value in function(**inputs).items()
        }


class RestServer:
    """TensorFlow Serving's REST interface, by requests."""

    def __init__(self, address, name, version, timeout, retries, ca_file=None):
        self._requests = _import("requests")
        self._verify = str(ca_file) if ca_file else True
        self._session = self._requests.Session()
        versions = "" if version is None else f"/versions/{version}"
        self._url = f"{address.rstrip('/')}/v1/models/{name}{versions}:predict"
        self._timeout = timeout
        self._retries = retries

    def ask(self, signature, **inputs):
        """Asks the server for n rows, given as one list for each input."""
        columns = ([_json(row) for row in column] for column in inputs.values())
        body = {
            "signature_name": signature,
            "instances": [
                dict(zip(inputs, row, strict=True))
                for row in zip(*columns, strict=True)
            ],
        }
        rows = _patiently(lambda: self._post(body), self._retries)
        try:
            answer = {
                name: np.asarray([row[name] for row in rows])
                for name in rows[0]
            }
        except (ValueError, LookupError, TypeError) as error:
            raise ConnectionError(
                f"Expected an object for each row from {self._url}. "
                f"Received: {str(rows)[:300]}"
            ) from error
        return _checked(answer, inputs, self._url)

    def _post(self, body):
        try:
            reply = self._session.post(
                self._url,
                json=body,
                timeout=self._timeout,
                verify=self._verify,
            )
        except self._requests.exceptions.SSLError as error:
            raise ConnectionError(
                "Expected TLS, with a certificate that is trusted or in "
                f"ca_file, of {self._url}. Received: {_reason(error)}"
            ) from error
        except self._requests.Timeout as error:
            raise Busy(
                f"Expected an answer within {self._timeout} s from "
                f"{self._url}. Received: {_reason(error)}"
            ) from error
        except self._requests.RequestException as error:
            raise Busy(
                f"Expected a server at {self._url}. Received: {_reason(error)}"
            ) from error
        if not reply.ok:
            kind = Busy if reply.status_code in _HTTP_AGAIN else ConnectionError
            raise kind(
                f"Expected an answer from {self._url}. "
                f"Received: {reply.status_code} {reply.text[:300]}"
            )
        try:
            return reply.json()["predictions"]
        except (ValueError, KeyError, TypeError) as error:
            raise ConnectionError(
                f'Expected JSON with "predictions" from {self._url}. '
                f"Received: {reply.text[:300]}"
            ) from error


class GrpcServer:
    """TensorFlow Serving's gRPC interface, by grpcio."""

    def __init__(self, host, name, version, timeout, retries, credentials=None):
        self._grpc = _import("grpc")
        # A batch of photos, and its pixels, is more than the usual 4 MB.
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
        ]
        if credentials:
            channel = self._grpc.secure_channel(host, credentials, options)
        else:
            channel = self._grpc.insecure_channel(host, options)
        self._predict = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=messages.PredictRequest.SerializeToString,
            response_deserializer=messages.PredictResponse.FromString,
        )
        self._host, self._model = host, (name, version)
        self._timeout = timeout
        self._retries = retries

    def ask(self, signature, **inputs):
        """Asks the server for n rows, given as one list for each input."""
        name, version = self._model
        # NumPy would cut the zeros off the end of bytes.
        inputs = {
            key: rows if isinstance(rows[0], bytes) else np.stack(rows)
            for key, rows in inputs.items()
        }
        request = messages.predict_request(name, signature, inputs, version)
        response = _patiently(lambda: self._send(request), self._retries)
        answer = messages.predict_outputs(response)
        return _checked(answer, inputs, self._host)

    def _send(self, request):
        try:
            return self._predict(request, timeout=self._timeout)
        except self._grpc.RpcError as error:
            code = error.code().name
            again = code in (*_GRPC_AGAIN, "DEADLINE_EXCEEDED")
            expected = {
                "DEADLINE_EXCEEDED": f"an answer within {self._timeout} s from",
                "UNAVAILABLE": "a server at",
            }.get(code, "an answer from")
            raise (Busy if again else ConnectionError)(
                f"Expected {expected} {self._host}. "
                f"Received: {code} {error.details()[:300]}"
            ) from error


def _checked(answer, inputs, server):
    """The answer, if it is one to all rows."""
    count = len(next(iter(inputs.values())))
    shapes = {name: value.shape for name, value in answer.items()}
    if any(shape[:1] != (count,) for shape in shapes.values()):
        raise ConnectionError(
            f"Expected {count} rows of each output from {server}. "
            f"Received: {shapes}"
        )
    return answer


def _patiently(ask, retries):
    """Asks again where the server is busy, after longer and longer pauses."""
    for attempt in range(retries):
        try:
            return ask()
        except Busy:
            time.sleep(_FIRST_PAUSE * 2**attempt)
    return ask()


def _check_authority(address, scheme, ca_file):
    if scheme not in ("https", "grpcs"):
        raise ValueError(
            "Expected https:// or grpcs:// with ca_file. "
            f"Received: {address} and ca_file={ca_file}"
        )
    if not Path(ca_file).is_file():
        raise FileNotFoundError(
            f"Expected a file of certificates. Received: ca_file={ca_file}"
        )
    try:
        ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise ValueError(
            "Expected certificates in the form PEM. "
            f"Received: ca_file={ca_file}: {error}"
        ) from error


def _tls(ca_file):
    known = Path(ca_file).read_bytes() if ca_file else None
    return _import("grpc").ssl_channel_credentials(known)


def _json(value):
    """A row as TensorFlow Serving's JSON has it: bytes in base 64."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode("ascii")}
    return np.asarray(value).tolist()


def _reason(error):
    told = re.search(r"\[Errno -?\d+\] ([^'\")]+)", str(error))
    if told:
        return told[1]
    # requests quotes its own objects, with their addresses in memory.
    return re.sub(r"<[^>]*>:? ?", "", str(error))[:300]


def _import(name):
    try:
        return __import__(name)
    except ImportError as error:
        raise ImportError(
            f'Expected the package {name}: pip install "unpg-tf[client]". '
            f"Received: {error}"
        ) from error
