"""Tests of where the Model Garden's backbones are to be had."""

import importlib.util

import pytest

from unpg_tf import backbones


def test_what_is_missing_is_named():
    if importlib.util.find_spec("official"):
        model = backbones.build("tfm:mobilenet", 32, 8)
        assert model.output_shape == (None, 8)
        return
    message = "Expected .*(TF_USE_LEGACY_KERAS=1|pip install unpg-tf.models)"
    with pytest.raises(ImportError, match=message):
        backbones.build("tfm:mobilenet", 32, 8)
