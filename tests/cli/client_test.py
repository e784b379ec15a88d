"""`unpg client` as a program."""

import functools
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import trustme

from tests.cli import programs
from tests.faces import drawn
from tests.serving import model_server
from tests.serving.models import tiny
from unpg_tf import faces
from unpg_tf import serving
from unpg_tf.data import draw

run = functools.partial(programs.run, "client")
SIZE = 20


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved") / model_server.NAME / "1"
    serving.save(tiny(), directory, threshold=0.5)
    return directory


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Images of five identities, and four files that are none."""
    folder = tmp_path_factory.mktemp("people")
    for i, image in enumerate(draw(range(5), [0] * 5, SIZE)):
        path = folder / f"P{i}" / "1.png"
        path.parent.mkdir()
        path.write_bytes(tf.io.encode_png(image).numpy())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "notes.txt").write_text("no image")
    (folder / "P0/._1.png").write_bytes(b"of a file manager")
    (folder / ".cache").mkdir()
    (folder / ".cache/1.png").write_bytes(b"of another program")
    return folder


def embeddings(directory, files):
    ask = tf.saved_model.load(str(directory)).signatures["encoded_images"]
    contents = tf.constant([Path(file).read_bytes() for file in files])
    return ask(image_bytes=contents)["embedding"].numpy()


def test_embed_then_identify(directory, people, tmp_path):
    gallery = tmp_path / "new" / "gallery.npz"
    done = run(
        "embed",
        people,
        server=directory,
        output=gallery,
        batch_size=2,
        index="faiss",
    )
    assert done.returncode == 0, done.stderr
    assert "5 of 6 images" in done.stdout and "broken.jpg" in done.stderr
    stored = np.load(gallery)
    assert stored["files"].tolist() == [f"P{i}/1.png" for i in range(5)]
    files = [people / name for name in stored["files"]]
    expected = embeddings(directory, files)
    np.testing.assert_allclose(stored["embeddings"], expected, atol=1e-6)
    cosines = expected @ expected[3]
    order = np.argsort(-cosines)[:3]
    lines = ["P3", *(f"  {cosines[i]:+.3f}  P{i}" for i in order)]
    for index in ("exact", "faiss"):
        done = run(
            "identify",
            people / "P3/1.png",
            server=directory,
            gallery=gallery,
            top=3,
            index=index,
        )
        assert done.stdout.splitlines() == lines, done.stderr


def test_identify_names_people_and_who_is_unknown(directory, people, tmp_path):
    """People of several images once; below the threshold nobody is named."""
    photo, gallery = people / "P3/1.png", tmp_path / "gallery.npz"
    (own,) = embeddings(directory, [photo])
    other = np.roll(own, 1)
    other -= (other @ own) * own
    other /= np.linalg.norm(other)
    cosines = np.array([0.9, 0.8, 0.6, 0.4])[:, np.newaxis]
    rows = cosines * own + np.sqrt(1 - cosines**2) * other
    files = np.array(["Ada/1.jpg", "Ada/2.jpg", "Ada/2/3.jpg", "Bob.jpg"])
    serving.write_gallery(gallery, serving.Gallery(files, rows), "faiss")
    for flags, answer in (
        ({}, "Ada"),
        ({"threshold": 0.95}, "unknown (threshold +0.950)"),
        ({"index": "faiss"}, "Ada"),
    ):
        # Of a folder of versions the highest.
        server = directory.parent if answer == "Ada" else directory
        done = run("identify", photo, server=server, gallery=gallery, **flags)
        assert done.stdout.splitlines() == [
            answer,
            "  +0.900  Ada",
            "  +0.400  Bob",
        ], done.stderr
    np.savez(gallery, files=files[3:], embeddings=rows[3:].astype(np.float32))
    done = run("identify", photo, server=directory, gallery=gallery, top=1)
    assert done.stdout == "unknown (threshold +0.500)\n  +0.400  Bob\n"
    with model_server.rest(model_server.Served(directory)) as address:
        served = {"server": address, "model_name": model_server.NAME}
        done = run("identify", photo, gallery=gallery, **served)
    assert done.stdout == "Bob\n  +0.400  Bob\n"
    assert "No threshold: " in done.stderr


def test_align_asks_about_faces_in_photos(directory, tmp_path):
    photos, gallery = tmp_path / "photos", tmp_path / "gallery.npz"
    drawn.people(photos, "Ada/1.webp", "Ada/2.png", empty=["Bob/1.png"])
    flags = {
        "server": directory.parent,
        "detector": "tests.faces.drawn:detect",
        "crop_size": SIZE,
    }
    done = run("embed", photos, "--align", output=gallery, **flags)
    assert done.returncode == 0, done.stderr
    assert "2 of 3 images" in done.stdout
    assert f"{photos}/Bob/1.png: no face found, left out" in done.stderr
    stored = np.load(gallery)
    assert stored["files"].tolist() == ["Ada/1.webp", "Ada/2.png"]
    image = faces.read_photo(photos / "Ada/2.png")
    (face,), *_ = faces.Aligner(drawn.detect, image_size=SIZE)(image)
    crop = tmp_path / "crop.png"
    crop.write_bytes(tf.io.encode_png(face.crop).numpy())
    expected = embeddings(directory, [crop])
    np.testing.assert_allclose(stored["embeddings"][1:], expected, atol=1e-6)
    photo, none = photos / "Ada/2.png", photos / "Bob/1.png"
    done = run("identify", photo, "--align", gallery=gallery, **flags)
    assert done.stdout == "Ada\n  +1.000  Ada\n", done.stderr
    done = run("verify", photo, photo, "--align", **flags)
    assert "similarity +1.000  the same" in done.stdout, done.stderr
    for command, *files in (["identify", none], ["verify", photo, none]):
        done = run(command, *files, "--align", gallery=gallery, **flags)
        assert done.returncode == 1
        assert done.stderr.startswith("unpg client: Expected ")
        assert "no face found" in done.stderr


def test_verify_asks_a_server(directory, people):
    a, b = people / "P0/1.png", people / "P1/1.png"
    first, second = embeddings(directory, [a, b])
    similarity = first @ second
    word = "the same" if similarity >= 0.5 else "two identities"
    with model_server.rest(model_server.Served(directory)) as address:
        flags = {"server": address, "model_name": model_server.NAME}
        done = run("verify", a, b, **flags)
        assert done.returncode == 0, done.stderr
        assert f"similarity {similarity:+.3f}  {word}" in done.stdout
        done = run("verify", a, people / "broken.jpg", **flags)
        assert done.returncode == 1
        assert "unpg client: Expected two JPEG or PNG images" in done.stderr


@pytest.mark.parametrize("command", ["verify", "identify"])
def test_a_model_that_gives_something_else_is_named(
    directory, people, tmp_path, command
):
    served, a = model_server.Served(directory), people / "P0/1.png"
    gallery = tmp_path / "gallery.npz"
    np.savez(gallery, files=np.array(["a"]), embeddings=np.ones((1, 1)))
    served.failures.append({"embedding": np.ones((1, 1))})
    with model_server.rest(served) as address:
        flags = {"server": address, "model_name": model_server.NAME}
        photos = [a, a] if command == "verify" else [a]
        done = run(command, *photos, gallery=gallery, **flags)
    assert done.returncode == 1
    assert "unpg client: Expected a model whose" in done.stderr
    assert "Received: embedding" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_embedding_that_is_not_finite_is_left_out(
    directory, people, tmp_path
):
    served, gallery = model_server.Served(directory), tmp_path / "gallery.npz"
    rows = np.ones((6, 2))
    rows[1, 0] = np.nan
    served.failures.append({"embedding": rows, "valid": np.arange(6) != 5})
    served.failures.append({"embedding": rows[1:2], "valid": np.array([True])})
    answer = {"similarity": [np.nan], "same": [False], "valid": [True]}
    served.failures.append({k: np.array(v) for k, v in answer.items()})
    photo = people / "P1/1.png"
    with model_server.rest(served) as address:
        flags = {"server": address, "model_name": model_server.NAME}
        done = run("embed", people, output=gallery, **flags)
        assert "4 of 6 images" in done.stdout, done.stderr
        assert f"{photo}: an embedding that isn't finite" in done.stderr
        done = run("identify", photo, gallery=gallery, **flags)
        assert done.returncode == 1
        assert f"Received: {photo}, an embedding that isn't" in done.stderr
        done = run("verify", photo, photo, **flags)
        assert done.returncode == 1
        assert "unpg client: Expected finite embeddings" in done.stderr


def test_ctrl_c_ends_it_without_a_traceback(directory, people, tmp_path):
    served, gallery = model_server.Served(directory), tmp_path / "gallery.npz"
    served.failures.append(20)
    with model_server.rest(served) as address:
        process = programs.start(
            "client",
            "embed",
            people,
            server=address,
            model_name=model_server.NAME,
            output=gallery,
            condition=("terminal",),
        )
        while not served.requests:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "unpg client: interrupted\n"
    assert not list(tmp_path.iterdir())


def test_verify_asks_over_tls(directory, people, tmp_path):
    authority, ca_file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    served = model_server.Served(directory)
    a = people / "P0/1.png"
    with model_server.rest(served, authority.issue_cert("127.0.0.1")) as server:
        flags = {"server": server, "model_name": model_server.NAME}
        done = run("verify", a, a, ca_file=ca_file, **flags)
        assert "similarity +1.000  the same" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "a.jpg"], "Expected embed FOLDER"),
        (["identify", "a.jpg", "--gallery=none.npz"], "Expected a gallery"),
    ],
)
def test_an_error_exits_with_a_message(arguments, message):
    done = run(*arguments)
    assert done.returncode != 0
    assert message in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
