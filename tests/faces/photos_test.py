"""Photos of all kinds are read as they shall be seen."""

import sys

import numpy as np
import pytest
from PIL import Image

from unpg_tf.faces import read_photo

ORIENTATION = 0x0112


def scene():
    """An image in which all eight orientations differ."""
    image = np.full((24, 40, 3), 90, np.uint8)
    image[:12, :20] = (230, 30, 30)
    image[12:, 20:] = (30, 30, 230)
    image[:6, 30:] = (30, 200, 30)
    return image


def is_near(found, expected, most=6):
    return found.shape == expected.shape and (
        np.abs(found.astype(int) - expected).mean() < most
    )


@pytest.mark.parametrize("ending", ["png", "webp", "bmp", "gif", "jpg", "JPEG"])
def test_formats(tmp_path, ending):
    path = tmp_path / f"photo.{ending}"
    Image.fromarray(scene()).save(path, quality=95)
    found = read_photo(path)
    assert found.dtype == np.uint8 and found.flags.writeable
    assert is_near(found, scene())


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_that_the_camera_noted_is_applied(
    tmp_path, ending, orientation
):
    # What has to be done to the scene so that the camera's note undoes it.
    stored = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.swapaxes(0, 1),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
        8: lambda x: np.rot90(x, -1),
    }[orientation](scene())
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"photo.{ending}"
    image = Image.fromarray(np.ascontiguousarray(stored))
    image.save(path, exif=exif, quality=95)
    assert is_near(read_photo(path), scene())


def test_other_kinds_of_pixels_become_rgb_of_8_bits(tmp_path):
    grey = np.linspace(0, 255, 40 * 24).reshape(24, 40).astype(np.uint8)
    three = np.repeat(grey[..., np.newaxis], 3, axis=2)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    cases = {
        "grey.jpg": (Image.fromarray(grey), three),
        "deep.png": (deep, three),
        "bits.png": (Image.fromarray(grey > 99), np.uint8(255) * (three > 99)),
        "cmyk.jpg": (Image.fromarray(scene()).convert("CMYK"), scene()),
        "palette.png": (Image.fromarray(scene()).quantize(8), scene()),
    }
    for name, (image, expected) in cases.items():
        image.save(tmp_path / name)
        assert is_near(read_photo(tmp_path / name), expected), name


def test_what_is_transparent_becomes_black(tmp_path):
    alpha = np.full((24, 40), 255, np.uint8)
    alpha[:12] = 0
    expected = scene()
    expected[:12] = 0
    image = Image.fromarray(np.dstack([scene(), alpha]))
    grey = Image.fromarray(np.dstack([np.full_like(alpha, 200), alpha]), "LA")
    image.save(tmp_path / "colour.png")
    palette = Image.fromarray(np.uint8(alpha > 0) * 3, "P")
    palette.putpalette([9] * 9 + [80, 160, 240])
    palette.save(tmp_path / "palette.gif", transparency=0)
    grey.save(tmp_path / "grey.png")
    assert is_near(read_photo(tmp_path / "colour.png"), expected, 1)
    found = read_photo(tmp_path / "palette.gif")
    assert not found[:12].any() and (found[12:] == [80, 160, 240]).all()
    found = read_photo(tmp_path / "grey.png")
    assert (found[:12] == 0).all() and (found[12:] == 200).all()


def test_an_animation_gives_its_first_image(tmp_path):
    other = Image.fromarray(255 - scene())
    for name in ("a.gif", "a.webp"):
        Image.fromarray(scene()).save(
            tmp_path / name, save_all=True, append_images=[other], quality=95
        )
        assert is_near(read_photo(tmp_path / name), scene(), 8)


def test_heic(tmp_path, monkeypatch):
    import pillow_heif

    path = tmp_path / "photo.HEIC"
    image = pillow_heif.from_bytes("RGB", (40, 24), scene().tobytes())
    image.save(path, quality=95)
    assert is_near(read_photo(path), scene(), 12)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ValueError, match=r"Expected .*unpg-tf\[heic\]"):
        read_photo(path)


def test_what_is_no_photo_is_named(tmp_path):
    whole, cut = tmp_path / "whole.jpg", tmp_path / "cut.jpg"
    Image.fromarray(scene()).save(whole)
    cut.write_bytes(whole.read_bytes()[:-300])
    for name in ("text.jpg", "empty.png"):
        (tmp_path / name).write_bytes(b"no photo" * (name == "text.jpg"))
        with pytest.raises(ValueError, match=f"Expected a JPEG.*{name}"):
            read_photo(tmp_path / name)
    # Formats that Pillow leaves to other programs aren't tried.
    (tmp_path / "page.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    with pytest.raises(ValueError, match="Expected a JPEG.*page.jpg"):
        read_photo(tmp_path / "page.jpg")
    with pytest.raises(ValueError, match=r"whole. Received: .*cut\.jpg"):
        read_photo(cut)
    with pytest.raises(FileNotFoundError):
        read_photo(tmp_path / "none.jpg")


def test_a_photo_that_unfolds_to_gigabytes_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    Image.fromarray(scene()).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    with pytest.raises(ValueError, match="bomb.png: Image size"):
        read_photo(path)


def test_a_missing_pillow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "photo.jpg").touch()
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"unpg-tf\[align\]"):
        read_photo(tmp_path / "photo.jpg")
