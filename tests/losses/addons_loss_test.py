"""Tests of where the losses of TensorFlow Addons are to be had."""

import pytest
import tensorflow as tf

from unpg_tf import losses


def test_an_unknown_loss_is_refused():
    message = "Expected addon, one of .*NpairsLoss.* Received: addon='Other'"
    with pytest.raises(ValueError, match=message):
        losses.AddonsLoss("Other")


def test_another_stack_says_what_to_use_instead():
    if tf.__version__ < "2.16":
        assert losses.AddonsLoss("NpairsLoss").addon == "NpairsLoss"
        return
    message = "Expected TensorFlow 2.15.*--loss=triplet, multi_similarity"
    with pytest.raises(ImportError, match=message):
        losses.AddonsLoss("NpairsLoss")
