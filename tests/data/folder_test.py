import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpg_tf.data import load_images
from unpg_tf.data import open_images
from unpg_tf.data import read_folder


@pytest.fixture
def root(tmp_path):
    files = {
        "Bob": ["Bob_0002.jpg", "Bob_0001.JPG", "notes.txt"],
        "Ada": ["Ada_0001.png"],
        "Cid": ["b.jpeg", "a.jpg", "c.png"],
        "Empty": [],
    }
    for name, images in files.items():
        (tmp_path / name).mkdir()
        for image in images:
            (tmp_path / name / image).touch()
    (tmp_path / "people.txt").touch()
    return tmp_path


def relative(folder, root):
    return [path[len(str(root)) + 1 :] for path in folder.paths]


def test_images_are_sorted_by_identity_and_file(root):
    folder = read_folder(root)
    assert folder.names == ["Ada", "Bob", "Cid"]
    assert relative(folder, root) == [
        "Ada/Ada_0001.png",
        "Bob/Bob_0001.JPG",
        "Bob/Bob_0002.jpg",
        "Cid/a.jpg",
        "Cid/b.jpeg",
        "Cid/c.png",
    ]
    np.testing.assert_array_equal(folder.labels, [0, 1, 1, 2, 2, 2])
    assert folder.labels.dtype == np.int32


def test_hidden_folders_and_files_are_passed_over(root):
    folder = read_folder(root)
    for hidden in (".ipynb_checkpoints/a-checkpoint.jpg", "Ada/._Ada_0001.png"):
        (root / hidden).parent.mkdir(exist_ok=True)
        (root / hidden).write_bytes(b"no image")
    again = read_folder(root)
    assert again.paths == folder.paths and again.names == folder.names


def test_people_restrict_and_the_absent_are_passed_over(root):
    folder = read_folder(root, people={"Cid": 3, "Ada": 1, "Eve": 5})
    assert folder.names == ["Ada", "Cid"]
    np.testing.assert_array_equal(folder.labels, [0, 1, 1, 1])


def test_min_images_counts_what_is_there(root):
    folder = read_folder(root, min_images=2)
    assert folder.names == ["Bob", "Cid"]
    np.testing.assert_array_equal(folder.labels, [0, 0, 1, 1, 1])


def test_excluded_identities_are_left_out(root):
    folder = read_folder(root, exclude=["Bob", "Eve"])
    assert folder.names == ["Ada", "Cid"]
    np.testing.assert_array_equal(folder.labels, [0, 1, 1, 1])


def test_it_is_told_what_is_left_out_and_why(root):
    told, done = [], []
    read_folder(
        root,
        people=["Ada", "Bob", "Eve", "Empty"],
        min_images=2,
        exclude=["Cid"],
        on_left_out=told.append,
        progress=lambda *numbers: done.append(numbers),
    )
    assert told == [
        "1 file (1 .txt)",
        "2 of the 4 listed people have no images",
        "1 identity not listed (3 images)",
        "1 identity with fewer than 2 images (1 image)",
    ]
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    told.clear()
    read_folder(root, exclude=["Bob", "Cid"], on_left_out=told.append)
    assert told == ["1 file (1 .txt)", "2 identities excluded (5 images)"]


def test_files_that_are_not_read_are_told_by_ending_and_depth(root):
    for name in (
        *("Ada/a.heic", "Ada/b.HEIC", "Bob/c.webp", "Bob/._d.webp"),
        *("Ada/2024/trip/e.jpg", "Ada/2024/f.png", "Ada/2024/g.heic"),
        *("h.jpg", "list.csv", ".cache/i.jpg"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    index = root.with_name(f"{root.name}.index")
    aged(root)
    for _ in range(2):
        told = []
        folder = read_folder(root, index=index, on_left_out=told.append)
        assert len(folder.paths) == 6 and index.exists()
        assert told == [
            "5 files (3 .heic, 1 .txt, 1 .webp): unpg align reads them",
            "1 image in no folder",
            "2 images in folders within folders, such as Ada/2024: "
            "unpg align reads them",
        ]
    only = root / "phone"
    (only / "Ada").mkdir(parents=True)
    (only / "Ada/1.heic").touch()
    with pytest.raises(FileNotFoundError, match=r"any, but 1 file \(1 .heic"):
        read_folder(only)


def test_images_that_are_not_square_or_turned_are_told(tmp_path):
    told, folder = [], tmp_path / "Ada"
    folder.mkdir()
    exif = Image.Exif()
    for number, (size, orientation) in enumerate(
        [((30, 30), 1), ((40, 30), 6), ((30, 40), 1), ((30, 30), 3)]
    ):
        exif[0x0112] = orientation
        image = Image.new("RGB", size)
        image.save(folder / f"{number}.jpg", exif=exif)
        if number == 0:
            read_folder(tmp_path, on_unaligned=told.append)
            assert told == []
    read_folder(tmp_path, on_unaligned=told.append)
    assert told == [
        "of 4 images looked at 2 aren't square, and are squeezed to be; 2 "
        "carry an orientation, which isn't applied: unpg align cuts faces out "
        "of photos"
    ]


def test_bmp_and_gif_are_read(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3))
    image = Image.fromarray(pixels.astype(np.uint8))
    (tmp_path / "Ada").mkdir()
    image.save(tmp_path / "Ada/1.bmp")
    grey = image.convert("L")
    grey.save(tmp_path / "Ada/2.gif", save_all=True, append_images=[grey])
    paths = read_folder(tmp_path).paths
    bmp, gif = load_images(paths, 8)
    np.testing.assert_array_equal(bmp, image)
    np.testing.assert_array_equal(gif[..., 0], grey)


def aged(root):
    """The folder as if nothing had happened to it for a minute."""
    for folder in (*filter(Path.is_dir, root.iterdir()), root):
        os.utime(folder, ns=(0, os.stat(folder).st_mtime_ns - 60 * 10**9))


def test_an_index_spares_the_listing_until_a_folder_changes(root):
    index = root.with_name(f"{root.name}.index")
    aged(root)
    listed = read_folder(root, index=index)
    written = index.read_bytes()
    # A file that leaves no trace shows that nobody looked.
    times = os.stat(root / "Ada")
    (root / "Ada" / "new.jpg").touch()
    os.utime(root / "Ada", ns=(0, times.st_mtime_ns))
    again = read_folder(root, index=index)
    assert again.paths == listed.paths != read_folder(root).paths
    np.testing.assert_array_equal(again.labels, listed.labels)
    some = read_folder(root, min_images=2, index=index)
    assert relative(some, root) == relative(listed, root)[1:]
    assert index.read_bytes() == written
    (root / "Bob" / "new.jpg").touch()
    assert len(read_folder(root, index=index).paths) == 8
    aged(root)
    (root / "Eve").mkdir()
    (root / "Eve" / "Eve.png").touch()
    assert read_folder(root, index=index).names == ["Ada", "Bob", "Cid", "Eve"]


@pytest.mark.parametrize("way", ["UNPG_TF_CACHE", "XDG_CACHE_HOME", "HOME"])
def test_an_index_is_in_the_users_cache(
    root, tmp_path_factory, monkeypatch, way
):
    aged(root)
    cache = tmp_path_factory.mktemp("home") / "cache"
    for name in ("UNPG_TF_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(way, str(cache))
    below = {"XDG_CACHE_HOME": "unpg_tf", "HOME": ".cache/unpg_tf"}
    open_images(root)
    monkeypatch.chdir(root)
    open_images(".")
    (index,) = (cache / below.get(way, "")).iterdir()
    assert index.name.startswith(f"{root.name}-")
    assert not root.with_name(f"{root.name}.index").exists()
    # One of another place is another.
    again = cache.with_name("faces")
    shutil.copytree(root, again)
    aged(again)
    open_images(again)
    assert len([*index.parent.iterdir()]) == 2


def test_an_index_beside_the_data_is_used_and_renewed(root, monkeypatch):
    index = root.with_name(f"{root.name}.index")
    index.touch()
    aged(root)
    monkeypatch.setenv("UNPG_TF_CACHE", str(root / "none"))
    open_images(root)
    assert index.stat().st_size
    assert not (root / "none").exists()


def test_a_cache_that_can_not_be_written_is_no_error(root, monkeypatch, caplog):
    aged(root)
    monkeypatch.setenv("UNPG_TF_CACHE", "/proc/none")
    assert len(open_images(root).labels) == len(read_folder(root).labels)
    assert "not kept" in caplog.text and "/proc/none" in caplog.text


def test_an_index_is_not_kept_of_what_may_still_change(root):
    index = root.with_name(f"{root.name}.index")
    read_folder(root, index=index)
    assert not index.exists()


def test_errors_name_the_folder(root):
    with pytest.raises(FileNotFoundError, match="folder per|nowhere"):
        read_folder(root / "nowhere")
    with pytest.raises(FileNotFoundError, match="Expected images as .*Bob"):
        read_folder(root / "Bob")
    with pytest.raises(ValueError, match="min_images=4.*3 identities"):
        read_folder(root, min_images=4)
    with pytest.raises(ValueError, match="among the listed.*: 0 identities"):
        read_folder(root, people=["Eve"])
