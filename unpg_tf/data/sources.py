"""Where images come from: one way to ask files, records and arrays."""

import abc

import numpy as np
import tensorflow as tf


class Source(abc.ABC):
    """Images that are read by their row, as bytes of image files.

    A subclass says `read` and `where`; the readers of record files are such.
    """

    @abc.abstractmethod
    def __len__(self):
        """Number of images."""

    @abc.abstractmethod
    def read(self, row):
        """Reads the file of an image.

        Args:
            row: integer, which of the images.

        Returns:
            The bytes of a JPEG, PNG, BMP or GIF file.

        Raises:
            OSError, ValueError: it can't be read; the message names it.
        """

    @abc.abstractmethod
    def where(self, row):
        """What names an image in a message: its file, or file and record."""

    def contents(self, rows):
        """[n] integer tensor of rows -> [n] string tensor of files' bytes."""

        def read(rows):
            return np.array([self.read(row) for row in rows], object)

        contents = tf.numpy_function(read, [rows], tf.string, stateful=False)
        return tf.ensure_shape(contents, rows.shape)


class Files(Source):
    """Image files, by their paths.

    Args:
        paths: list of n strings.
    """

    def __init__(self, paths):
        self.paths = paths
        self._tensor = tf.convert_to_tensor(paths, tf.string)

    def __len__(self):
        """Number of images."""
        return len(self.paths)

    def read(self, row):
        """Reads the file of an image."""
        with open(self.paths[row], "rb") as file:
            return file.read()

    def where(self, row):
        """The path."""
        return str(self.paths[row])

    def contents(self, rows):
        """[n] integer tensor of rows -> [n] string tensor of files' bytes."""
        return tf.map_fn(tf.io.read_file, tf.gather(self._tensor, rows))


class EncodedImages(Source):
    """Image files whose bytes are in memory.

    Args:
        contents: list of n byte strings.
        name: string, what to call them in a message.

    Example:
        >>> images = EncodedImages([open("a.jpg", "rb").read()], "a set")
        >>> images.where(0)
        'a set, image 0'
    """

    def __init__(self, contents, name):
        self.name = name
        self._tensor = tf.constant(contents, tf.string)

    def __len__(self):
        """Number of images."""
        return self._tensor.shape[0]

    def read(self, row):
        """The file of an image."""
        return self._tensor[row].numpy()

    def where(self, row):
        """The set's name and the row."""
        return f"{self.name}, image {row}"

    def contents(self, rows):
        """[n] integer tensor of rows -> [n] string tensor of files' bytes."""
        return tf.gather(self._tensor, rows)


def as_source(images):
    """A `Source` of paths, or what already is one."""
    return images if isinstance(images, Source) else Files(images)
