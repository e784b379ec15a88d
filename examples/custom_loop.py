"""A training loop of your own on all devices of a machine.

UNPG's negative pairs are those of the global batch. `apply_gradients` sums the
gradients of the replicas, so each replica divides the sum of its losses by the
global batch size. The weights are then those of one device that trains on the
whole batch.

    python examples/custom_loop.py
"""

import tensorflow as tf
from tensorflow import keras

import unpg_tf

SIZE, DIM, BATCH = 32, 64, 64


def main(identities=100, steps=100, devices=None):
    """Trains for some steps.

    Args:
        identities: integer, each of which has 16 images.
        steps: integer.
        devices: list of device names; None for all GPUs, or one CPU.

    Returns:
        The list of the global batches' losses, floats.
    """
    strategy = tf.distribute.MirroredStrategy(devices)
    images, labels = unpg_tf.data.labelled_images(identities, 16, SIZE)
    batches = unpg_tf.data.training_batches(images, labels, BATCH)
    with strategy.scope():
        backbone = unpg_tf.backbones.build("small", SIZE, DIM, dropout=0.0)
        head = unpg_tf.layers.ArcFace(identities, margin=0.3)
        model = unpg_tf.models.EmbeddingModel(backbone, head)
        loss = unpg_tf.losses.UNPGLoss(
            scale=32.0, embedding_dim=DIM, reduction="none"
        )
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        optimizer.build(model.trainable_variables)

    def replica_step(images, labels):
        with tf.GradientTape() as tape:
            embeddings = backbone(images, training=True)
            cosines = head(embeddings, labels)
            values = loss(labels, tf.concat([cosines, embeddings], axis=1))
            value = tf.nn.compute_average_loss(values, global_batch_size=BATCH)
        variables = model.trainable_variables
        gradients = tape.gradient(value, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return value

    @tf.function
    def step(images, labels):
        values = strategy.run(replica_step, [images, labels])
        return strategy.reduce("SUM", values, axis=None)

    iterator = iter(strategy.experimental_distribute_dataset(batches))
    values = []
    for i in range(steps):
        values.append(float(step(*next(iterator))))
        if i % 20 == 0:
            print(f"step {i}: loss {values[-1]:.3f}")
    return values


if __name__ == "__main__":
    main()
