"""Photos as people have them: any format, turned as the camera says."""

import io
import os
import warnings

import numpy as np

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".webp",
    ".bmp",
    ".gif",
    ".heic",
    ".heif",
)
_HEIF = (".heic", ".heif")
# Pillow reads dozens of formats, some by other programs: these alone are meant.
_FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "GIF"]
_HIGHEST = 65535


def is_photo(name):
    """Whether it is the name of a photo, and not hidden.

    Args:
        name: path relative to the data set, with "/" between its parts.

    Example:
        >>> is_photo("Ada/IMG_0001.HEIC"), is_photo("Ada/._IMG_0001.HEIC")
        (True, False)
    """
    return name.lower().endswith(SUFFIXES) and "/." not in f"/{name}"


def read_photo(path):
    """Reads a photo as it shall be seen.

    JPEG, PNG, WebP, BMP, GIF (its first image), and HEIC with the package
    pillow-heif. The orientation that the camera noted (EXIF) is applied; grey
    images get three equal channels; CMYK becomes RGB; of 16 bits the upper 8
    stay; what is transparent becomes black.

    Args:
        path: string or path of the file.

    Returns:
        [height, width, 3] uint8 array, RGB.

    Raises:
        ImportError: Pillow is missing.
        OSError: the file can't be read.
        ValueError: it isn't a photo of these formats, is damaged, has more
            than 178 million pixels, or is HEIC without pillow-heif.

    Example:
        >>> read_photo("IMG_0001.HEIC").shape
        (4032, 3024, 3)
    """
    image_module = pillow("Image")
    formats = [*_FORMATS, *_heif_formats(path)]
    with open(path, "rb") as file:
        contents = file.read()
    try:
        with warnings.catch_warnings():
            # Large ones are usual here, and refused when they are too large.
            warnings.simplefilter("ignore")
            image = image_module.open(io.BytesIO(contents), formats=formats)
            image.load()
            image = pillow("ImageOps").exif_transpose(image)
            return np.array(_rgb(image, image_module))
    except image_module.UnidentifiedImageError as error:
        raise ValueError(
            "Expected a JPEG, PNG, WebP, BMP, GIF or HEIC file. "
            f"Received: {path}, which isn't"
        ) from error
    # A damaged file raises whatever its decoder comes upon.
    except Exception as error:
        raise ValueError(
            f"Expected a photo that is whole. Received: {path}: "
            f"{str(error)[:200] or type(error).__name__}"
        ) from error


def _rgb(image, image_module):
    """Three channels of 8 bits."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float64) * (255 / _HIGHEST)
        grey = np.clip(values + 0.5, 0, 255).astype(np.uint8)
        return image_module.fromarray(grey).convert("RGB")
    if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA", "La"):
        image = image.convert("RGBA")
        black = image_module.new("RGBA", image.size, (0, 0, 0, 255))
        image = image_module.alpha_composite(black, image)
    return image.convert("RGB")


def _heif_formats(path):
    """What Pillow calls HEIC, for a file whose name has that ending."""
    if not os.fspath(path).lower().endswith(_HEIF):
        return []
    try:
        import pillow_heif
    except ImportError as error:
        raise ValueError(
            'Expected the package pillow-heif: pip install "unpg-tf[heic]". '
            f"Received: {error}"
        ) from error
    pillow_heif.register_heif_opener()
    return ["HEIF"]


def pillow(module):
    """A module of Pillow, which is imported where it is used.

    Raises:
        ImportError: Pillow is missing; the message names the extra.
    """
    try:
        return getattr(__import__(f"PIL.{module}"), module)
    except ImportError as error:
        raise ImportError(
            'Expected the package Pillow: pip install "unpg-tf[align]". '
            f"Received: {error}"
        ) from error
