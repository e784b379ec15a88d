"""Decodes a batch of image files of which some may be hostile or corrupt."""

import tensorflow as tf

from unpg_tf.data.images import decode_image

# A file that says it has more pixels is refused before it is decoded: 100 kB
# of PNG can unfold to gigabytes.
MAX_PIXELS = 4096 * 4096
# A progressive JPEG passes over its pixels once for each scan, and a scan may
# have ten bytes. Usual ones have ten scans, of whatever size.
MAX_SCANNED_PIXELS = 16 * MAX_PIXELS

# The format's signature, then its first chunk, whose 13 bytes begin with width
# and height. Decoders pass over a strange chunk before it; here it has to lead.
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"
# Images in the making at a time; each takes up to 15 bytes for each pixel.
_PARALLEL = 4


def decode_images(image_bytes, image_size):
    """Decodes image files; one that is corrupt leaves the others alone.

    TensorFlow operations only, for `tf.function` and SavedModels. Grey images
    get three equal channels, an alpha channel is dropped, of 16 bits the
    upper 8 stay, and an EXIF rotation is not applied, as in training.

    Args:
        image_bytes: [n] string tensor, the bytes of JPEG or PNG files.
        image_size: integer, height and width of the results, in pixels.

    Returns:
        A tuple of [n, image_size, image_size, 3] uint8 RGB images and [n]
        bool, false where the bytes aren't those of a JPEG or PNG image, or
        its header says more than `MAX_PIXELS` pixels, or its scans pass over
        more than `MAX_SCANNED_PIXELS`; the image is black there. Damage that
        still decodes, such as wrong colours in a JPEG, is not found.

    Example:
        >>> images, valid = decode_images([contents, b"no image"], 112)
        >>> valid.numpy()
        array([ True, False])
    """
    n = tf.size(image_bytes)
    # An operation that fails in a graph fails the whole request, unless it
    # runs in a dataset, which can leave failed elements out.
    dataset = tf.data.Dataset.from_tensor_slices((tf.range(n), image_bytes))
    dataset = dataset.map(
        lambda i, contents: (i, _decode(contents, image_size)),
        num_parallel_calls=_PARALLEL,
    ).ignore_errors()
    # One row more than there are files, so that a batch is never empty.
    blank = tf.zeros([image_size, image_size, 3], tf.uint8)
    dataset = dataset.concatenate(tf.data.Dataset.from_tensors((n, blank)))
    rows, images = dataset.batch(tf.cast(n, tf.int64) + 1).get_single_element()
    rows, shape = rows[:, tf.newaxis], [n + 1, image_size, image_size, 3]
    valid = tf.scatter_nd(rows, tf.ones_like(rows[:, 0]), [n + 1]) > 0
    images = tf.ensure_shape(
        tf.scatter_nd(rows, images, shape), [None, *blank.shape]
    )
    return images[:n], valid[:n]


def _decode(contents, image_size):
    with tf.control_dependencies([_check_cost(contents)]):
        return decode_image(tf.identity(contents), image_size)


def _check_cost(contents):
    """Fails where the file is of another format, or would take too long."""
    is_png = tf.equal(tf.strings.substr(contents, 0, len(_PNG)), _PNG)
    # What is no PNG either has the header of a JPEG, or fails here.
    sides, scans = tf.cond(
        is_png,
        lambda: (_png_sides(contents), tf.ones([], tf.int64)),
        lambda: (
            tf.cast(tf.io.extract_jpeg_shape(contents)[:2], tf.int64),
            _jpeg_scans(contents),
        ),
    )
    # Sides are below 2^32: the product of two could overflow int64.
    fits = sides[0] <= MAX_PIXELS // tf.maximum(sides[1], 1)
    fits &= sides[0] * sides[1] * scans <= MAX_SCANNED_PIXELS
    return tf.debugging.Assert(fits, ["Expected fewer pixels.", sides, scans])


def _jpeg_scans(contents):
    # Data of a scan never holds the marker; a picture within the metadata may.
    values = tf.io.decode_raw(contents, tf.uint8)
    marked = (values[:-1] == 0xFF) & (values[1:] == 0xDA)
    return tf.math.count_nonzero(marked)


def _png_sides(contents):
    # Four bytes each, highest first.
    header = tf.strings.substr(contents, len(_PNG), 8)
    values = tf.cast(tf.io.decode_raw(header, tf.uint8), tf.int64)
    return tf.reduce_sum(
        tf.reshape(values, [2, 4]) * [[1 << 24, 1 << 16, 1 << 8, 1]], axis=1
    )
