"""What `benchmarks/loss.py` compares: steps from embeddings to gradients."""

import importlib.util

import numpy as np
import tensorflow as tf

from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import ops

SCALE, WHISKER = 64.0, 1.5

# UNPG with a bound on the pairs' share.
BOUNDED = "unpg bounded"
BOUNDS = {"max_pair_share": 0.1, "max_target_ratio": 10.0}

HALVES = ("bfloat16", "float16")

# Their lists of pairs have no static length, which XLA asks for.
ONLY_GRAPH = ("materialised", "torch", "triplet")


def available():
    """The names of what can be run here."""
    names = ["products", *HALVES, "margin", "unpg", BOUNDED]
    names += [f"unpg, {dtype}" for dtype in HALVES]
    names.append("materialised")
    if importlib.util.find_spec("torch"):
        names.append("torch")
    if importlib.util.find_spec("tensorflow_addons"):
        names.append("triplet")
    return names


def sizes_of(size):
    """Rows, classes and dimension of "BxCxD"."""
    return map(int, size.split("x"))


def products(embeddings, centers, product=tf.matmul):
    """The matrix products alone: the outputs stand for the gradients."""
    cosines = product(embeddings, centers, transpose_b=True)
    pairs = product(embeddings, embeddings, transpose_b=True)
    to_embeddings = product(cosines, centers) + product(pairs, embeddings)
    return to_embeddings, product(cosines, embeddings, transpose_a=True)


def _product_in(dtype):
    """A product in half precision of what is float32 before and after."""

    def product(left, right, **transposed):
        left, right = ops.rounded(left, dtype), ops.rounded(right, dtype)
        return ops.product(left, right, **transposed)

    return product


def materialised(embeddings, cosines, labels):
    """The [B] losses of the reference: B x (C + pairs) logits."""
    units = tf.math.l2_normalize(embeddings, axis=1)
    similarities = tf.matmul(units, units, transpose_b=True)
    above = tf.linalg.band_part(tf.ones_like(similarities), 0, -1) > 0
    differ = labels[:, tf.newaxis] != labels[tf.newaxis, :]
    pairs = tf.boolean_mask(similarities, above & differ)
    count = tf.size(pairs)
    ordered = tf.sort(tf.stop_gradient(pairs))
    q1, q3 = ordered[count // 4], ordered[3 * count // 4]
    reach = WHISKER * (q3 - q1)
    pairs = pairs[(pairs >= q1 - reach) & (pairs <= q3 + reach)]
    rows = tf.shape(cosines)[0]
    pairs = tf.tile(pairs[tf.newaxis], [rows, 1])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels, SCALE * tf.concat([cosines, pairs], axis=1)
    )


def _loss(form, dim):
    if form == "materialised":
        return lambda labels, y_pred: materialised(
            y_pred[:, -dim:], y_pred[:, :-dim], labels
        )
    if form == "triplet":
        return losses.AddonsLoss("TripletSemiHardLoss", embedding_dim=dim)
    if form == "margin":
        return losses.MarginLoss(SCALE, embedding_dim=dim)
    return losses.UNPGLoss(
        SCALE,
        WHISKER,
        dim,
        product_dtype=_product_dtype(form),
        **(BOUNDS if form == BOUNDED else {}),
    )


def _product_dtype(form):
    return form.partition(", ")[2] or None


def step(size, form, mode):
    """A function without arguments, that runs one step to its end."""
    rows, classes, dim = sizes_of(size)
    rng = np.random.default_rng(0)
    centers = rng.standard_normal([classes, dim], np.float32)
    labels = rng.integers(0, classes, rows).astype(np.int32)
    embeddings = rng.standard_normal([rows, dim], np.float32)
    embeddings = tf.constant(embeddings + 0.5 * centers[labels])
    labels = tf.constant(labels)
    head = layers.CosFace(
        classes, margin=0.4, product_dtype=_product_dtype(form)
    )
    head.build((None, dim))
    head.centers.assign(centers)
    variable = head.trainable_weights[0]
    loss = _loss(form, dim)

    if form == "torch":
        return _torch_step(embeddings, labels, centers)

    def trained(embeddings, labels):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            y_pred = embeddings
            if form != "triplet":
                cosines = head(embeddings, labels, training=True)
                y_pred = tf.concat([cosines, embeddings], axis=1)
            value = tf.reduce_mean(loss(labels, y_pred))
        slopes = tape.gradient(
            value,
            [embeddings, variable],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return value, *slopes

    def bare(embeddings, labels):
        del labels
        product = _product_in(form) if form in HALVES else tf.matmul
        return products(embeddings, tf.convert_to_tensor(variable), product)

    compiled = tf.function(
        bare if form in ("products", *HALVES) else trained,
        jit_compile=mode == "xla",
    )
    return lambda: tf.nest.map_structure(
        lambda x: x.numpy(), compiled(embeddings, labels)
    )


def _torch_step(embeddings, labels, centers):
    import torch

    labels = torch.tensor(labels.numpy(), dtype=torch.long)
    inputs = [
        torch.tensor(x, requires_grad=True)
        for x in (embeddings.numpy(), centers)
    ]

    def step():
        units, directions = map(torch.nn.functional.normalize, inputs)
        cosines = units @ directions.T
        cosines[torch.arange(len(cosines)), labels] -= 0.4
        similarities = units @ units.T
        differ = labels[:, None] != labels[None, :]
        pairs = similarities[torch.triu(differ, diagonal=1)]
        ordered = pairs.detach().sort().values
        count = len(ordered)
        q1, q3 = ordered[count // 4], ordered[3 * count // 4]
        reach = WHISKER * (q3 - q1)
        pairs = pairs[(pairs >= q1 - reach) & (pairs <= q3 + reach)]
        pairs = pairs.expand(len(cosines), -1)
        value = torch.nn.functional.cross_entropy(
            SCALE * torch.cat([cosines, pairs], dim=1), labels
        )
        return torch.autograd.grad(value, inputs)

    return step
