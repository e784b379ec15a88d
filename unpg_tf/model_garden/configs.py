"""What an experiment `unpg_face_recognition` can be told."""

import dataclasses

from official.core import config_definitions
from official.core import exp_factory
from official.modeling import hyperparams
from official.modeling import optimization


@dataclasses.dataclass
class Model(hyperparams.Config):
    """The backbone.

    Attributes:
        backbone: any name of `unpg_tf.backbones.build`.
        image_size: height and width of the images in pixels.
        embedding_dim: dimension of the embeddings.
        dropout: rate of the dropout before the embedding.
    """

    backbone: str = "tfm:resnet-50"
    image_size: int = 112
    embedding_dim: int = 512
    dropout: float = 0.0


@dataclasses.dataclass
class Part(hyperparams.Config):
    """A head or a loss.

    Attributes:
        name: its class in `unpg_tf.layers` or `unpg_tf.losses`.
        options: arguments of the class, as in
            `task.loss.options.max_pair_share=0.1`.
    """

    name: str = ""
    options: hyperparams.Config | None = None


@dataclasses.dataclass
class Data(config_definitions.DataConfig):
    """Images to train on, or pairs to verify.

    Attributes:
        input_path: folder with a folder of images for each identity, or
            `synthetic`: identities that are drawn.
        pairs: file in LFW's pairs format with several folds, to verify.
        people: file in LFW's people format, to train on these alone.
        min_images: leave identities with fewer images out.
        identities: how many to draw, or pairs of them to verify.
        images_per_identity: how many to draw of each.
        augment: whether images are flipped, shifted and recoloured.
    """

    input_path: str = "synthetic"
    pairs: str = ""
    people: str = ""
    min_images: int = 1
    identities: int = 400
    images_per_identity: int = 16
    augment: bool = True
    global_batch_size: int = 64
    seed: int = 0


@dataclasses.dataclass
class FaceRecognition(config_definitions.TaskConfig):
    """Face recognition by a margin head, with UNPG or without.

    Options that aren't given are those of the classes: `UNPGLoss` without
    bounds, as in the paper.
    """

    model: Model = dataclasses.field(default_factory=Model)
    head: Part = dataclasses.field(default_factory=lambda: Part(name="CosFace"))
    loss: Part = dataclasses.field(
        default_factory=lambda: Part(name="UNPGLoss")
    )
    train_data: Data = dataclasses.field(
        default_factory=lambda: Data(is_training=True)
    )
    validation_data: Data = dataclasses.field(
        default_factory=lambda: Data(is_training=False)
    )


@exp_factory.register_config_factory("unpg_face_recognition")
def unpg_face_recognition():
    """The experiment's defaults: 20,000 steps of SGD along a cosine."""
    steps = 20_000
    optimizer = optimization.OptimizationConfig(
        {
            "optimizer": {"type": "sgd", "sgd": {"momentum": 0.9}},
            "learning_rate": {
                "type": "cosine",
                "cosine": {
                    "initial_learning_rate": 0.1,
                    "decay_steps": steps,
                },
            },
            "warmup": {"type": "linear", "linear": {"warmup_steps": 500}},
        }
    )
    return config_definitions.ExperimentConfig(
        task=FaceRecognition(),
        trainer=config_definitions.TrainerConfig(
            train_steps=steps,
            steps_per_loop=100,
            summary_interval=100,
            checkpoint_interval=1000,
            validation_interval=1000,
            optimizer_config=optimizer,
        ),
    )
