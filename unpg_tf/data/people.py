"""Lists of people: who belongs to a training set or a fold, or doesn't."""

from pathlib import Path

from unpg_tf.data.text import is_whole
from unpg_tf.data.text import text_lines


def read_people(path):
    """Reads a people file in LFW's format, of one set or of several folds.

    A set is a line holding the number of people, then as many lines
    `Name<TAB>images`. A file of folds starts with the number of folds, and
    then holds that many sets.

    Args:
        path: the file, such as `peopleDevTrain.txt` or `people.txt`.

    Returns:
        Dictionary of names to their number of images, in the file's order,
        all folds together.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line isn't what the format expects, or a name stands
            twice; the message starts with `file:line`.

    Example:
        >>> people = read_people("lfw/peopleDevTrain.txt")
        >>> len(people), people["Aaron_Peirsol"]
        (4038, 4)

    Source: http://vis-www.cs.umass.edu/lfw/README.txt
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"Expected a people file. Received: {path}")
    lines = _Lines(path)
    people = {}
    count = lines.next_count("a number of people or of folds")
    if lines.at_count():
        counts = (lines.next_count("a fold's size") for _ in range(count))
    else:
        counts = [count]
    for size in counts:
        for _ in range(size):
            lines.next_person(people)
    lines.expect_end()
    return people


def read_names(path):
    """Reads a list of names, one on each line; empty lines are passed over.

    Args:
        path: the file.

    Returns:
        List of strings.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it isn't text in UTF-8; the message starts with
            `file:line`.
    """
    return [line.strip() for line in text_lines(path) if line.strip()]


class _Lines:
    """A people file's lines, which knows where it stands."""

    def __init__(self, path):
        self.path = path
        self.lines = list(text_lines(path))
        while self.lines and not self.lines[-1].strip():
            self.lines.pop()
        self.number = 0

    def next(self, expected):
        if self.number == len(self.lines):
            raise self.error(expected, "the end of the file")
        self.number += 1
        return self.lines[self.number - 1].strip()

    def next_count(self, expected):
        line = self.next(expected)
        if not is_whole(line):
            raise self.error(expected, line)
        return int(line)

    def next_person(self, people):
        line = self.next("Name<TAB>images")
        name, tab, images = line.partition("\t")
        if not (name and tab and is_whole(images.strip())):
            raise self.error("Name<TAB>images", line)
        if name in people:
            raise self.error("every name once", name)
        people[name] = int(images)

    def at_count(self):
        ahead = self.lines[self.number : self.number + 1]
        return bool(ahead) and is_whole(ahead[0].strip())

    def expect_end(self):
        if self.number < len(self.lines):
            raise self.error("the end of the file", self.next("a line"))

    def error(self, expected, received):
        return ValueError(
            f"{self.path}:{self.number or 1}: Expected {expected}. "
            f"Received: {received}"
        )
