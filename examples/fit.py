"""Training and evaluation in plain Keras.

Synthetic identities stand for faces: replace `images` and `labels` by an
array of your own, or pass `model.fit` a `tf.data.Dataset` of both.

    python examples/fit.py
"""

from tensorflow import keras

import unpg_tf

SIZE, DIM = 32, 64


def main(identities=100, epochs=5):
    """Trains on some identities, and verifies pairs of others.

    Args:
        identities: integer, each of which has 16 images.
        epochs: integer.

    Returns:
        The dictionary of the evaluation.
    """
    images, labels = unpg_tf.data.labelled_images(identities, 16, SIZE)
    backbone = unpg_tf.backbones.build("small", SIZE, DIM)
    head = unpg_tf.layers.CosFace(identities, margin=0.2)
    model = unpg_tf.models.EmbeddingModel(backbone, head)
    model.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        loss=unpg_tf.losses.UNPGLoss(
            scale=32.0,
            embedding_dim=DIM,
            max_pair_share=0.1,
            max_target_ratio=10.0,
        ),
        metrics=["accuracy"],
    )
    model.fit(images, labels, batch_size=64, epochs=epochs, verbose=2)

    embedder = unpg_tf.evaluation.Embedder(model)
    pairs = unpg_tf.evaluation.synthetic_pairs(400, SIZE)
    report = unpg_tf.evaluation.evaluate_pairs(embedder, pairs).report
    print(f"AUC {report['auc']:.3f} on identities that weren't trained on")
    return report


if __name__ == "__main__":
    main()
