"""Where the losses are compared: what is trained on, and what is tested."""

import dataclasses

import faces
import numpy as np

from unpg_tf import data

STRENGTHS = data.Strengths(0.7, 0.7, 0.7, 0.7)
# Far beyond the identities that are trained on.
STRANGERS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is trained on, for how long, and by which network.

    Attributes:
        kind: "faces" (LFW's), "drawn" (synthetic identities) or "conditions"
            (synthetic identities in controlled conditions).
        identities: How many; of LFW's all with enough images.
        images: Of each; of LFW's at least.
        epochs: Of training.
        size: Pixels of a side, with the border that augmentation cuts off.
        width: Of the network's first layer.
        scale: Of the softmax.
    """

    kind: str = "faces"
    identities: int = 0
    images: int = 2
    epochs: int = 12
    size: int = faces.SIZE
    width: int = 16
    scale: float = 32.0


SETTINGS = {
    "faces": Setting(),
    "faces-all": Setting(images=1),
    "faces-few": Setting(images=20, epochs=48),
    "faces-short": Setting(epochs=4),
    "faces-long": Setting(epochs=120),
    "faces-large": Setting(size=54, width=32),
    "faces-scale64": Setting(scale=64.0),
    "drawn-few": Setting("drawn", identities=50, images=160),
    "drawn-many": Setting("drawn", identities=3000, images=3),
    "conditions": Setting("conditions", identities=40, images=160),
}


def load(setting, root):
    """The images and labels of a setting.

    Args:
        setting: A `Setting`.
        root: Folder of LFW and its protocol files; of "faces" alone.

    Returns:
        images, labels: What is trained on.
        tests: A dict of names to images and labels of other people. All of
            their pairs are compared.
    """
    return {"faces": _faces, "drawn": _drawn, "conditions": _conditions}[
        setting.kind
    ](setting, root)


def _faces(setting, root):
    images, labels = faces.training_faces(root, setting.images, setting.size)
    return images, labels, {"": faces.test_faces(root, size=setting.size)}


def _drawn(setting, root):
    del root
    images, labels = data.labelled_images(
        setting.identities, setting.images, setting.size, strengths=STRENGTHS
    )
    people, views = np.divmod(np.arange(3200), 8)
    strangers = data.draw(STRANGERS + people, views, setting.size, STRENGTHS)
    return images, labels, {"": (strangers, people)}


def _conditions(setting, root):
    """Tested in all conditions, and in those of each level alone."""
    del root
    images, labels = data.images_in_conditions(
        setting.identities, setting.images, setting.size
    )
    people, views = np.divmod(np.arange(3200), 20)
    tests = {}
    for name, level in {"": 4, " Q1": 1, " Q2": 2, " Q3": 3}.items():
        inside = data.conditions(level)
        rows = np.random.default_rng(level).integers(len(inside), size=3200)
        strangers = data.draw_conditions(
            STRANGERS + people, inside[rows], setting.size, views
        )
        tests[name] = strangers, people
    return images, labels, tests
