"""The checksum of TFRecord files: CRC-32C, masked."""


def masked_crc32c(contents):
    """The checksum that a TFRecord file keeps of a record.

    Byte by byte, for the few records that TensorFlow's own reader, which
    gives up at the first damaged one, has left unread.

    Args:
        contents: bytes.

    Returns:
        The CRC-32C (Castagnoli, reflected), rotated by 15 bits to the right
        and moved by a constant, as an integer of 32 bits.

    Example:
        >>> hex(masked_crc32c(b""))
        '0xa282ead8'
    """
    remainder = 0xFFFFFFFF
    for byte in contents:
        remainder = _TABLE[(remainder ^ byte) & 0xFF] ^ remainder >> 8
    crc = remainder ^ 0xFFFFFFFF
    rotated = crc >> 15 | crc << 17
    return (rotated + 0xA282EAD8) & 0xFFFFFFFF


def _of_byte(remainder):
    for _ in range(8):
        remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder


_TABLE = tuple(map(_of_byte, range(256)))
