"""Which steps are due, also where Keras takes several at once."""


def is_due(every, before, step):
    """Whether one in so many steps has been passed.

    With `steps_per_execution` callbacks are called after several steps, of
    which the last one alone would seldom be a multiple.

    Args:
        every: integer, above 0.
        before: integer, steps that were done at the last call.
        step: integer, steps that are done.
    """
    return before // every < step // every
