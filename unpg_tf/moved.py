"""Names that have moved to another sub-package and still work for a release."""

import importlib
import warnings


def moved_names(package, **names_of):
    """Makes the `__getattr__` of a package from which names have moved.

    Args:
        package: string, the package's full name.
        **names_of: for each sub-package of `unpg_tf`, the list of the names
            that are in it now.

    Returns:
        A function of a name to the object, which warns of the new place. It
        raises an AttributeError for a name that hasn't moved.
    """
    rooms = {name: room for room, names in names_of.items() for name in names}

    def getattr_moved(name):
        if name not in rooms:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}"
            )
        place = f"unpg_tf.{rooms[name]}"
        warnings.warn(
            f"{package}.{name} has moved to {place}.{name}. The old name goes "
            "with the next release.",
            FutureWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module(place), name)

    return getattr_moved
