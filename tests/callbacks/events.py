"""Reads what was written for TensorBoard."""

import tensorflow as tf


def events(folder):
    """Step, name, kind and value of all that was written."""
    found = []
    for file in sorted(folder.glob("events*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                kind = value.metadata.plugin_data.plugin_name
                tensor = tf.make_ndarray(value.tensor)
                found.append((event.step, value.tag, kind, tensor))
    return found
