"""The processes that train together under one strategy."""


def num_workers(strategy):
    """The number of processes that train together.

    Args:
        strategy: `tf.distribute.Strategy`.

    Returns:
        Integer; 1 where the strategy has one process.

    Example:

    >>> num_workers(tf.distribute.MirroredStrategy())
    1
    """
    resolver = strategy.cluster_resolver
    if resolver is None:
        return 1
    tasks = resolver.cluster_spec().as_dict()
    return sum(len(tasks.get(kind, ())) for kind in ("chief", "worker")) or 1


def is_chief(strategy):
    """Whether this process is the one of them that writes files.

    Args:
        strategy: `tf.distribute.Strategy`.

    Returns:
        Bool; True where the strategy has one process.

    Example:

    >>> if is_chief(model.distribute_strategy):
    ...     model.save("model.keras")
    """
    return bool(strategy.extended.should_checkpoint)
