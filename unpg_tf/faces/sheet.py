"""A contact sheet: crops side by side, and photos that gave none."""

import os
from pathlib import Path

import numpy as np

from unpg_tf.faces import records
from unpg_tf.faces.photos import pillow
from unpg_tf.faces.photos import read_photo
from unpg_tf.files import replaced

_COLUMNS = 10
_CELL, _LINE, _GAP = 112, 12, 4
# Characters of a name that fit under a picture.
_FIT = 17


def write_sheet(path, data, output, found, crops=100, others=20):
    """Writes a picture of crops, and of photos without one.

    The crops are taken evenly from all. Below them, framed in red, are photos
    without a face, each with the reason under it.

    Args:
        path: the file to write, a .jpg or .png.
        data: folder of the photos.
        output: folder of the crops.
        found: list of `Record`.
        crops: integer, how many crops at most.
        others: integer, how many photos without one at most.

    Raises:
        ImportError: Pillow is missing.

    Example:
        >>> write_sheet("sheet.jpg", "photos", "aligned", records)
    """
    good = [r for r in found if r.crop]
    bad = [r for r in found if r.outcome == records.NO_FACE]
    cells = [
        (_picture(os.path.join(output, r.crop)), r.crop, False)
        for r in _evenly(good, crops)
    ]
    # A row of their own.
    cells += [None] * (-len(cells) % _COLUMNS)
    cells += [
        (_picture(os.path.join(data, r.file)), r.reason, True)
        for r in _evenly(bad, others)
    ]
    sheet = _drawn(cells)
    with replaced(path) as temporary:
        kind = "PNG" if Path(path).suffix.lower() == ".png" else "JPEG"
        sheet.save(temporary, format=kind)


def _evenly(many, count):
    rows = np.linspace(0, len(many) - 1, min(count, len(many)))
    return [many[int(row)] for row in rows.round()]


def _picture(path):
    """A file's picture within the square of a cell; None without one."""
    try:
        image = pillow("Image").fromarray(read_photo(path))
    except (OSError, ValueError):
        return None
    image.thumbnail((_CELL, _CELL))
    return image


def _drawn(cells):
    image_module, draw = pillow("Image"), pillow("ImageDraw")
    rows = -(-max(len(cells), 1) // _COLUMNS)
    step, height = _CELL + _GAP, _CELL + _LINE + _GAP
    size = (_COLUMNS * step + _GAP, rows * height + _GAP)
    sheet = image_module.new("RGB", size, "white")
    drawing = draw.Draw(sheet)
    for number, cell in enumerate(cells):
        if cell is None:
            continue
        row, column = divmod(number, _COLUMNS)
        left, top = column * step + _GAP, row * height + _GAP
        picture, name, framed = cell
        if picture is not None:
            sheet.paste(picture, (left, top))
        if framed:
            corner = (left + _CELL - 1, top + _CELL - 1)
            drawing.rectangle((left, top, *corner), outline="red", width=2)
        name = name.encode("latin-1", "replace").decode("latin-1")
        drawing.text((left, top + _CELL), name[-_FIT:], fill="black")
    return sheet
