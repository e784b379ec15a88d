"""What an installation has to bring."""

import pytest

from unpg_tf import compat


def test_other_backends_of_keras_are_refused():
    compat.expect_backend("tensorflow")
    with pytest.raises(ImportError, match="KERAS_BACKEND=.* Received: jax"):
        compat.expect_backend("jax")
