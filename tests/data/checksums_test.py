import struct

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf.data.checksums import masked_crc32c


@pytest.mark.parametrize("length", [0, 1, 9, 1000])
def test_it_is_the_checksum_of_tensorflows_files(tmp_path, length):
    contents = np.random.default_rng(length).bytes(length)
    path = str(tmp_path / "records")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(contents)
    written = (tmp_path / "records").read_bytes()
    assert masked_crc32c(written[:8]) == struct.unpack("<I", written[8:12])[0]
    assert masked_crc32c(contents) == struct.unpack("<I", written[-4:])[0]
