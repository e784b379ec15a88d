"""The three ways to ask a model, and what goes wrong on the way."""

import shutil
import socket

import numpy as np
import pytest
import tensorflow as tf
import trustme

from tests.serving import model_server
from tests.serving.models import tiny
from unpg_tf import serving
from unpg_tf.data import draw
from unpg_tf.serving import clients

SIZE = 20
BUSY = model_server.Refusal(503, "UNAVAILABLE", "come back later")
PROTOCOLS = {"rest": model_server.rest, "grpc": model_server.rpc}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved") / model_server.NAME / "1"
    serving.save(tiny(), directory, threshold=0.5)
    return directory


@pytest.fixture(scope="module")
def served(directory):
    return model_server.Served(directory)


@pytest.fixture(scope="module", params=PROTOCOLS)
def address(request, served):
    with PROTOCOLS[request.param](served) as address:
        yield address


@pytest.fixture(autouse=True)
def _calm(served):
    yield
    served.failures.clear()


def connect(address, **options):
    return clients.connect(address, model_server.NAME, **options)


def files():
    images = draw([0, 1, 2], [0, 0, 0], SIZE)
    return [tf.io.encode_png(image).numpy() for image in images]


@pytest.mark.parametrize("version", [None, model_server.VERSION])
def test_all_answer_alike(address, directory, version):
    local = clients.connect(str(directory), "any")
    server = connect(address, version=version)
    a = [*files(), b"no image"]
    b = [a[1], a[0], a[2], a[0]]
    pixels = list(draw([0, 1], [0, 0], 31))
    for signature, inputs in {
        "serving_default": {"images": pixels},
        "encoded_images": {"image_bytes": a},
        "verify": {"image_bytes_a": a, "image_bytes_b": b},
    }.items():
        expected = local.ask(signature, **inputs)
        got = server.ask(signature, **inputs)
        assert set(got) == set(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(got[key], value, atol=1e-6)
            assert got[key].shape == value.shape


def test_a_request_may_have_more_than_four_megabytes(address):
    pixels = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), "u1")
    file = tf.io.encode_png(pixels, compression=0).numpy()
    assert len(file) > 4 << 20
    answer = connect(address).ask("encoded_images", image_bytes=[file])
    assert answer["valid"].all()


def test_a_busy_server_is_asked_again(address, served):
    before = served.requests
    served.failures += [BUSY, BUSY]
    answer = connect(address, retries=2).ask(
        "encoded_images", image_bytes=files()
    )
    assert answer["valid"].all() and served.requests == before + 3


def test_but_not_for_ever(address, served):
    before = served.requests
    served.failures += [BUSY, BUSY]
    with pytest.raises(ConnectionError, match="Expected.*come back later"):
        connect(address, retries=1).ask("encoded_images", image_bytes=files())
    assert served.requests == before + 2


def test_a_wrong_request_is_not_repeated(address, served):
    before = served.requests
    with pytest.raises(ConnectionError, match="not found"):
        connect(address).ask("decode", image_bytes=files())
    assert served.requests == before + 1
    server = clients.connect(address, "dogs")
    with pytest.raises(ConnectionError, match="Servable not found"):
        server.ask("encoded_images", image_bytes=files())
    with pytest.raises(ConnectionError, match="Servable not found"):
        connect(address, version=2).ask("verify", image_bytes_a=files())


def test_a_slow_server_is_left(address, served):
    served.failures += [2.0]
    server = connect(address, timeout=0.2, retries=0)
    with pytest.raises(ConnectionError, match="Expected an answer within 0.2"):
        server.ask("encoded_images", image_bytes=files())
    server = connect(address, timeout=30.0)
    answer = server.ask("encoded_images", image_bytes=files())
    assert answer["valid"].all()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority that nobody knows, and the file of its certificate."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return authority, path


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_tls_asks_whom_the_authority_vouches_for(served, authority, protocol):
    authority, ca_file = authority
    before = served.requests
    with protocol(served, authority.issue_cert("127.0.0.1")) as address:
        server = connect(address, ca_file=ca_file)
        answer = server.ask("encoded_images", image_bytes=files())
        assert answer["valid"].all() and served.requests == before + 1
        stranger = connect(address, timeout=5.0, retries=0)
        with pytest.raises(ConnectionError, match="(?i)certificate.*verify"):
            stranger.ask("encoded_images", image_bytes=files())
    with protocol(served, authority.issue_cert("example.org")) as address:
        other = connect(address, timeout=5.0, retries=0, ca_file=ca_file)
        with pytest.raises(ConnectionError, match="Expected .*Received: "):
            other.ask("encoded_images", image_bytes=files())
    assert served.requests == before + 1


def test_an_authority_that_vouches_for_nothing_is_refused(authority, tmp_path):
    _, ca_file = authority
    for address in ("http://localhost", "grpc://localhost", str(tmp_path)):
        with pytest.raises(ValueError, match="Expected https:// or grpcs://"):
            connect(address, ca_file=ca_file)
    (tmp_path / "notes.pem").write_text("no certificate")
    for address in ("https://localhost", "grpcs://localhost"):
        with pytest.raises(FileNotFoundError, match="ca_file=none.pem"):
            connect(address, ca_file="none.pem")
        with pytest.raises(ValueError, match="PEM.*ca_file=.*notes.pem"):
            connect(address, ca_file=tmp_path / "notes.pem")


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_there(scheme):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{closed.getsockname()[1]}"
        server = connect(address, retries=1, timeout=5.0)
        match = "Expected a server at .*Received: .*(?i:connection refused)"
        with pytest.raises(ConnectionError, match=match):
            server.ask("encoded_images", image_bytes=files())


@pytest.mark.parametrize("reply", [b"<html>", b"[]", b'{"outputs": 1}', b""])
def test_an_answer_of_something_else_is_refused(served, reply):
    with model_server.rest(served) as address:
        served.failures.append(reply)
        with pytest.raises(ConnectionError, match='Expected JSON with "pred'):
            connect(address).ask("encoded_images", image_bytes=files())


@pytest.mark.parametrize(
    "rows", ["[]", "[1, 2, 3]", "3", '{"a": 1}', '[{"a": 1}, {"b": 1}]']
)
def test_rows_that_are_no_objects_are_refused(served, rows):
    with model_server.rest(served) as address:
        served.failures.append(f'{{"predictions": {rows}}}'.encode())
        with pytest.raises(ConnectionError, match="Expected an object for eac"):
            connect(address).ask("encoded_images", image_bytes=files())


def test_an_answer_has_a_row_for_each_that_was_asked(address, served):
    served.failures.append({"norm": np.ones([2])})
    with pytest.raises(ConnectionError, match="Expected 3 rows.*(2,)"):
        connect(address).ask("encoded_images", image_bytes=files())


def test_an_address_is_one_of_five_kinds(tmp_path):
    with pytest.raises(ValueError, match="Expected http://.*Received: ftp"):
        connect("ftp://localhost")
    with pytest.raises(FileNotFoundError, match="Expected an address"):
        connect(str(tmp_path))


@pytest.mark.parametrize("part", ["data-00000-of-00001", "index"])
@pytest.mark.parametrize("size", [0, 100])
def test_a_damaged_saved_model_is_named(directory, tmp_path, part, size):
    copy = tmp_path / "1"
    shutil.copytree(directory, copy)
    path = copy / "variables" / f"variables.{part}"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match="1: Expected a SavedModel that is w"):
        connect(str(copy))


def test_a_saved_model_without_the_signature_is_refused(directory):
    with pytest.raises(ValueError, match="Expected the signature decode"):
        connect(str(directory)).ask("decode", image_bytes=files())
