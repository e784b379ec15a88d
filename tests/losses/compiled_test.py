"""What XLA makes of a step: its optimised code, read."""

import math
import re

import pytest
import tensorflow as tf

from unpg_tf import layers
from unpg_tf import losses

ROWS, CLASSES, DIM = 96, 640, 24
HALF = ROWS // 2

# `%name = f32[96,640]{1,0} opcode(...)`, or of a tuple of such shapes.
INSTRUCTION = re.compile(r"^ *(?:ROOT )?%?[\w.-]+ = (.+?) ([a-z][\w-]*)\(")
SHAPE = re.compile(r"\w+\[([\d,<=]*)\]")

# What waits for the host, and what has a size that is only known in the end.
HOST = {"infeed", "outfeed", "send", "recv", "custom-call"}
DYNAMIC = {"dynamic-reshape", "get-dimension-size", "set-dimension-size"}


LOSSES = {
    "margin": losses.MarginLoss(embedding_dim=DIM),
    "unpg": losses.UNPGLoss(embedding_dim=DIM),
    "bounded": losses.UNPGLoss(
        embedding_dim=DIM, max_pair_share=0.2, max_target_ratio=10.0
    ),
}


@pytest.fixture(scope="module", params=LOSSES)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def code(kind):
    """The compiled code of a whole step of head and loss."""
    return code_of(layers.CosFace(CLASSES), LOSSES[kind])


def code_of(head, loss, dim=DIM):
    head.build((None, dim))
    centers = head.trainable_weights[0]

    @tf.function(jit_compile=True)
    def step(embeddings, labels):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            cosines = head(embeddings, labels, training=True)
            y_pred = tf.concat([cosines, embeddings], axis=1)
            value = tf.reduce_mean(loss(labels, y_pred))
        return value, tape.gradient(value, [embeddings, centers])

    batch = tf.ones([ROWS, dim]), tf.range(ROWS)
    return step.experimental_get_compiler_ir(*batch)("optimized_hlo")


def instructions(code):
    matches = map(INSTRUCTION.match, code.splitlines())
    return [match.groups() for match in matches if match]


def sizes_of(shape):
    return [
        math.prod(map(int, filter(None, sizes.split(","))))
        for sizes in SHAPE.findall(shape)
    ]


def made(code, opcode, *sizes):
    """How many instructions have that opcode, and a result of that shape."""
    shape = f"[{','.join(map(str, sizes))}]"
    return sum(
        name == opcode and shape in result
        for result, name in instructions(code)
    )


def written(code, *sizes):
    """How many results of that many elements a step writes to memory."""
    entry = code[code.index("ENTRY") :]
    return sum(
        math.prod(sizes) in sizes_of(result)
        for result, name in instructions(entry)
        if name not in {"parameter", "bitcast", "tuple"}
    )


def test_nothing_is_sorted_or_asked_of_the_host_or_sized_late(code):
    opcodes = {opcode for _, opcode in instructions(code)}
    assert {"dot", "fusion"} <= opcodes
    assert not opcodes & {"sort", *HOST, *DYNAMIC}
    assert "<=" not in "".join(shape for shape, _ in instructions(code))


def test_nothing_is_larger_than_the_cosines(code):
    largest = max(
        size for shape, _ in instructions(code) for size in sizes_of(shape)
    )
    assert largest == ROWS * CLASSES


def test_a_matrix_is_written_no_more_often_than_it_must_be(code):
    # The product, the cosines with their margin, the terms of the softmax, and
    # the gradient; of the centres the product and what of it is across.
    assert written(code, ROWS, CLASSES) == 4
    assert written(code, CLASSES, DIM) == 2


@pytest.mark.parametrize("dim", [128, 500, 512, 768, 2048])
def test_the_centres_have_but_two_matrices_in_any_dimension(dim):
    head, loss = layers.CosFace(CLASSES), losses.MarginLoss(embedding_dim=dim)
    # The XLA of TensorFlow 2.15 also stores what goes into its two sums.
    expected = 2 if tf.__version__ >= "2.16" else 4
    assert written(code_of(head, loss, dim), CLASSES, dim) == expected


def test_no_product_but_those_that_it_cant_do_without(code, kind):
    assert made(code, "dot", ROWS, CLASSES) == 1
    assert made(code, "dot", CLASSES, DIM) == 1
    assert made(code, "dot", ROWS, DIM) == 1
    # Each pair once but for those of one half, and each in two gradients.
    assert made(code, "dot", HALF, HALF) == (0 if kind == "margin" else 3)
    assert made(code, "dot", HALF, DIM) == (0 if kind == "margin" else 4)
    products = [name for _, name in instructions(code) if name == "dot"]
    assert len(products) == (3 if kind == "margin" else 10)


def test_cosines_and_embeddings_are_never_joined(code):
    assert f"[{ROWS},{CLASSES + DIM}]" not in code


def test_products_in_half_precision_keep_their_sums():
    half = {"product_dtype": "bfloat16"}
    code = code_of(
        layers.CosFace(CLASSES, **half),
        losses.UNPGLoss(embedding_dim=DIM, **half),
    )
    results = [shape for shape, name in instructions(code) if name == "dot"]
    assert len(results) == 10
    assert all(shape.startswith("f32") for shape in results)
    # The other products read what is cast within their own fusions.
    assert written(code, CLASSES, DIM) <= 3
