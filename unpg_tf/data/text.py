"""Lines and numbers of text files, whatever is in them."""

from pathlib import Path


def is_whole(field):
    """Whether a text is a number of digits alone, which 64 bits hold.

    `int` would also take signs, underscores, blanks, digits of other scripts,
    and complains of very long ones by itself.

    Args:
        field: string.

    Example:
        >>> [is_whole(field) for field in ("17", "1_7", "-1", "", "9" * 19)]
        [True, False, False, False, False]
    """
    return field.isascii() and field.isdecimal() and len(field) < 19


def text_lines(path):
    """Yields the lines of a file in UTF-8, without their ends.

    Args:
        path: the file; a byte order mark at its start is passed over.

    Raises:
        FileNotFoundError, PermissionError: `path` can't be read.
        ValueError: a line isn't in UTF-8; the message starts with `file:line`.

    Example:
        >>> [int(line) for line in text_lines("numbers.txt")]
        [3, 1, 2]
    """
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, start=1):
            encoding = "utf-8-sig" if number == 1 else "utf-8"
            try:
                yield line.decode(encoding).rstrip("\r\n")
            except UnicodeDecodeError:
                raise ValueError(
                    f"{path}:{number}: Expected text in UTF-8. "
                    f"Received: {line[:80]!r}"
                ) from None
