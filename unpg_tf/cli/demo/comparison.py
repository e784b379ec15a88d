"""Which of the demo's models tells strangers apart better, and how surely."""

import numpy as np

from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import metrics
from unpg_tf.progress import Progress

# Strangers and images of each, of whom all pairs are compared.
IDENTITIES, IMAGES = 120, 8
FARS = (0.1, 0.01, 0.001)
REPLICATES = 200


def similarities_of(models, first_identity, image_size, strengths):
    """Compares all pairs of images of people whom no model has seen.

    Args:
        models: dict of names to `.keras` files.
        first_identity: integer, the strangers start here.
        image_size: integer, pixels of a side.
        strengths: a `data.Strengths`.

    Returns:
        A dict of names to [pairs] float arrays of similarities, a [pairs]
        bool array of who is the same, and [pairs, 2] integers of who they are.
    """
    people, views = np.divmod(np.arange(IDENTITIES * IMAGES), IMAGES)
    images = data.draw(first_identity + people, views, image_size, strengths)
    pairs = np.stack(np.triu_indices(len(people), 1), axis=1)
    identities = people[pairs]
    found = {}
    for name, path in models.items():
        model = evaluation.load_keras_file(path)
        embeddings = evaluation.Embedder(model)(images)
        found[name] = (embeddings @ embeddings.T)[tuple(pairs.T)]
    return found, identities[:, 0] == identities[:, 1], identities


def table(similarities, same, identities):
    """The rates of two models, and how much the first one has more.

    Args:
        similarities: dict of two names to [pairs] float arrays.
        same: [pairs] bool array.
        identities: [pairs, 2] integer array.

    Returns:
        Lines of text.
    """
    first, second = similarities.values()
    text = f"{REPLICATES} draws of the people for the intervals"
    intervals = metrics.difference_intervals(
        first,
        second,
        same,
        identities,
        FARS,
        REPLICATES,
        progress=Progress(text, REPLICATES, "draw"),
    )
    rows = [
        ("AUC", [metrics.auc(s, same) for s in (first, second)], "auc"),
        (
            "EER (less is better)",
            [metrics.eer(s, same) for s in (first, second)],
            "eer",
        ),
    ]
    rates = [metrics.tar_at_far(s, same, FARS) for s in (first, second)]
    for far in FARS:
        tars = [of_model[far] for of_model in rates]
        rows.append((f"TAR at FAR {far:g}", tars, str(far)))
    edges = intervals | intervals["tar_at_far"]
    names = "".join(f"{name:>10}" for name in similarities)
    yield f"{'':<22}{names}    difference, 95 % of people"
    for name, (ours, theirs), key in rows:
        low, high = edges[key]
        yield (
            f"{name:<22}{ours:>10.4f}{theirs:>10.4f}"
            f"    {ours - theirs:+.4f} [{low:+.4f}, {high:+.4f}]"
        )
