"""The graph of an exported model: pictures in, unit embeddings out."""

import tensorflow as tf

from unpg_tf import ops
from unpg_tf.models.checks import only
from unpg_tf.serving.decoding import decode_images
from unpg_tf.serving.resizing import resize_by_products


class Server(tf.Module):
    """Answers for a model: embeds pictures, and compares two of them.

    Everything between the client's picture and the answer is part of the
    graph: decoding, resizing, the backbone, the flip test and the division by
    the length. The weights are those of the model itself, not copies.

    Args:
        backbone: a Keras model, images [n, image_size, image_size, 3] of
            values 0..255 to embeddings [n, dim].
        image_size: integer, height and width of the backbone's images, in
            pixels.
        threshold: float, the cosine from which on two pictures show the same
            identity.
        flip: bool, whether the embeddings of an image and of its mirror are
            averaged.
        false_accept_rate: float, the rate that the threshold was chosen for;
            None where it wasn't chosen for one.

    Attributes:
        threshold: scalar float32 variable, saved along with the weights, as
            are the others.
        false_accept_rate: scalar float32 variable, NaN for None.
        image_size: scalar int32 variable.

    Raises:
        ValueError: the backbone's output isn't [n, dim].
    """

    def __init__(
        self,
        backbone,
        image_size,
        threshold,
        flip=False,
        false_accept_rate=None,
    ):
        super().__init__()
        self.threshold = tf.Variable(threshold, False, dtype=tf.float32)
        rate = float("nan") if false_accept_rate is None else false_accept_rate
        self.false_accept_rate = tf.Variable(rate, False, dtype=tf.float32)
        self.image_size = tf.Variable(image_size, False, dtype=tf.int32)
        self._size = image_size
        images = tf.TensorSpec([None, image_size, image_size, 3], tf.uint8)
        # One function that every signature calls: the backbone is traced, and
        # stored, once.
        self._embed = tf.function(
            lambda images: _embed(backbone, images, flip),
            input_signature=[images],
        )
        # The variables that the graph reads, rather than the Keras model:
        # TensorFlow then saves no layer's own functions, and neither
        # optimizer nor head comes along.
        graph = self._embed.get_concrete_function().graph
        self._weights = list(graph.variables)

    def signatures(self):
        """Returns the functions to save, by the names of their signatures."""
        return {
            "serving_default": self.embed_images,
            "encoded_images": self.embed_encoded,
            "verify": self.verify,
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.uint8, "images")
        ]
    )
    def embed_images(self, images):
        """Embeds pictures.

        Args:
            images: [n, h, w, 3] uint8 tensor, RGB, of any height and width.

        Returns:
            A dictionary of `embedding`, [n, dim] float32 of unit length, and
            `norm`, [n] float32, the length that the backbone gave it.
        """
        images = resize_by_products(images, self._size)
        embeddings, norms = self._embed(images)
        return {"embedding": embeddings, "norm": norms}

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")]
    )
    def embed_encoded(self, image_bytes):
        """Embeds image files; one that is corrupt leaves the others alone.

        Args:
            image_bytes: [n] string tensor, the bytes of JPEG or PNG files.

        Returns:
            A dictionary of `embedding` and `norm` as `embed_images` gives
            them, and `valid`, [n] bool: false where the bytes aren't those of
            an image, or the image has more pixels than
            `decoding.MAX_PIXELS`; embedding and norm are 0 there.
        """
        images, valid = decode_images(image_bytes, self._size)
        embeddings, norms = self._embed(images)
        return {
            "embedding": tf.where(valid[:, tf.newaxis], embeddings, 0.0),
            "norm": tf.where(valid, norms, 0.0),
            "valid": valid,
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "image_bytes_a"),
            tf.TensorSpec([None], tf.string, "image_bytes_b"),
        ]
    )
    def verify(self, image_bytes_a, image_bytes_b):
        """Says of pairs of image files whether they show the same identity.

        Args:
            image_bytes_a: [n] string tensor, the bytes of JPEG or PNG files.
            image_bytes_b: [n] string tensor, the other half of each pair.

        Returns:
            A dictionary of `similarity`, [n] float32, the cosine of the two
            embeddings; `same`, [n] bool, whether it reaches the threshold;
            and `valid`, [n] bool. Where either file isn't an image `valid`
            and `same` are false and `similarity` is 0.
        """
        tf.debugging.assert_equal(
            tf.size(image_bytes_a),
            tf.size(image_bytes_b),
            "Expected as many image_bytes_a as image_bytes_b.",
        )
        # One call of the backbone, on both halves.
        both = self.embed_encoded(
            tf.concat([image_bytes_a, image_bytes_b], axis=0)
        )
        valid = tf.reduce_all(tf.reshape(both["valid"], [2, -1]), axis=0)
        a, b = tf.split(both["embedding"], 2)
        similarity = tf.reduce_sum(a * b, axis=1)
        return {
            "similarity": similarity,
            "same": valid & (similarity >= self.threshold),
            "valid": valid,
        }


def _embed(backbone, images, flip):
    n, size = tf.shape(images)[0], images.shape[1]
    # Convolutions that the runtime has fused refuse an empty batch.
    padding = tf.zeros([tf.cast(n == 0, tf.int32), size, size, 3])
    images = tf.concat([tf.cast(images, tf.float32), padding], axis=0)
    embeddings = _call(backbone, images)
    if flip:
        mirrored = _call(backbone, tf.image.flip_left_right(images))
        embeddings = (embeddings + mirrored) / 2
    embeddings, norms = ops.unit_vectors(embeddings)
    return embeddings[:n], norms[:n]


def _call(backbone, images):
    embeddings = only("output of the model", backbone(images, training=False))
    shape = getattr(embeddings, "shape", None)
    ops.expect(
        shape is not None and len(shape) == 2,
        "a model whose output is one tensor [n, dim]",
        output=embeddings,
    )
    return tf.cast(embeddings, tf.float32)
