"""A naive writer of RecordIO and of InsightFace's layout."""

import struct

MAGIC = struct.pack("<I", 0xCED7230A)


def record(payload):
    """A payload's parts, each with its head, padded with zeros."""
    parts, start, i = [], 0, 0
    # As MXNet does: the magic number cuts where it stands at a multiple of 4.
    while i + 4 <= len(payload):
        if payload[i : i + 4] == MAGIC:
            parts.append(payload[start:i])
            start = i + 4
        i += 4
    parts.append(payload[start:])
    written = b""
    for number, part in enumerate(parts):
        kind = 0
        if len(parts) > 1:
            kind = 1 if number == 0 else 3 if number == len(parts) - 1 else 2
        written += MAGIC + struct.pack("<I", kind << 29 | len(part))
        written += part + b"\0" * (-len(part) % 4)
    return written


def image_record(label, contents, key=0):
    """A record of an image; a list of labels is of the second form."""
    many = isinstance(label, list)
    header = struct.pack(
        "<IfQQ", len(label) if many else 0, 0 if many else label, key, 0
    )
    labels = struct.pack(f"<{len(label)}f", *label) if many else b""
    return record(header + labels + contents)


def write(path, images, header=True, classes=None):
    """Writes .rec, .idx and maybe .property; images are (label, contents).

    Returns the offsets of all records.
    """
    written = [image_record(*image) for image in images]
    if header:
        first, end = len(images) + 1, len(images) + 3
        written.insert(0, image_record([first, end], b""))
        written += [image_record([1, 2], b"")] * (end - first)
    offsets = [sum(map(len, written[:i])) for i in range(len(written))]
    path.write_bytes(b"".join(written))
    lines = (f"{i}\t{offset}\n" for i, offset in enumerate(offsets))
    path.with_suffix(".idx").write_text("".join(lines))
    if classes is not None:
        path.with_suffix(".property").write_text(f"{classes},8,8")
    return offsets
