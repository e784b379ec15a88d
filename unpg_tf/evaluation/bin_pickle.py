"""A reader of the pickles that verification sets are, which runs nothing."""

import io
import pickle
import pickletools

_OPCODES = frozenset(
    "PROTO FRAME STOP MARK EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE "
    "TUPLE1 TUPLE2 TUPLE3 NEWTRUE NEWFALSE NONE INT BININT BININT1 BININT2 "
    "STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 "
    "BYTEARRAY8 UNICODE BINUNICODE SHORT_BINUNICODE PUT BINPUT LONG_BINPUT "
    "MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD".split()
)


def load(contents):
    """Reads a pickle of byte strings, lists, tuples, booleans and uint8.

    NumPy's arrays and scalars, of uint8 and of booleans, come back as their
    bytes and as booleans: nothing of NumPy, or of any other module, is called.
    Memory is bounded by a multiple of the pickle's own size.

    Args:
        contents: bytes, written by Python 2 or 3 in any protocol.

    Returns:
        The lists, tuples, byte strings and booleans.

    Raises:
        ValueError: the pickle is cut short or damaged, or holds anything
            else; the message names what.
    """
    try:
        _check(contents)
        return _Unpickler(contents).load()
    except _Refused:
        raise
    # A damaged pickle fails in whatever way its remains happen to.
    except Exception as error:
        raise ValueError(
            f"Expected a whole pickle. Received: {type(error).__name__}: "
            f"{str(error)[:200]}"
        ) from error


class _Refused(ValueError):
    """What is read well, but isn't admitted."""


def _check(contents):
    """Refuses opcodes, and numbers of memos, that such files don't have."""
    for opcode, argument, position in pickletools.genops(contents):
        if opcode.name not in _OPCODES:
            raise _Refused(
                "Expected byte strings, lists, tuples, booleans and uint8 "
                f"arrays. Received: {opcode.name} at byte {position}"
            )
        # The memo is an array as long as the highest number in it.
        if "PUT" in opcode.name and argument > len(contents):
            raise _Refused(
                f"Expected a memo below {len(contents)}. "
                f"Received: {argument} at byte {position}"
            )


class _Copies:
    """Copies bytes, in all no more than the pickle has.

    One that is referred to often would else be copied as often.
    """

    def __init__(self, room):
        self.room = room

    def __call__(self, value):
        if not isinstance(value, bytes | bytearray):
            raise _Refused(f"Expected bytes. Received: {type(value).__name__}")
        self.room -= len(value)
        if self.room < 0:
            raise _Refused(
                "Expected no more bytes than the pickle has. Received: more"
            )
        return bytes(value)


class _Type:
    """A dtype, of which only the name matters."""

    def __init__(self, copies, name, *_):
        name = name.decode() if isinstance(name, bytes) else name
        if name not in ("u1", "uint8", "|u1", "b1", "bool", "|b1"):
            raise _Refused(
                "Expected arrays of uint8, for images, or bool, for answers. "
                f"Received: dtype {name!r}"
            )
        self.is_bool = "b" in name

    def __setstate__(self, state):
        pass


class _Array:
    """What stands for an array until its bytes come."""

    def __init__(self, copies, *_):
        self.copies = copies
        self.contents = b""

    def __setstate__(self, state):
        dtype, contents = state[2], state[4]
        # A byte string is kept as it is.
        if not isinstance(contents, bytes):
            contents = self.copies(contents)
        self.contents = contents
        if not isinstance(dtype, _Type):
            raise _Refused(f"Expected a dtype. Received: {dtype!r}")


def _scalar(copies, dtype, value):
    return bool(value[0]) if dtype.is_bool else value[0]


def _encode(copies, text, encoding):
    # Python 3 writes bytes so in protocols 0 to 2.
    if encoding not in ("latin1", b"latin1"):
        raise _Refused(f"Expected latin1. Received: {encoding!r}")
    return copies(text.encode("latin1"))


def _from_buffer(copies, buffer, dtype, *_):
    array = _Array(copies)
    array.__setstate__((1, None, dtype, False, buffer))
    return array


_NAMES = {
    ("_codecs", "encode"): _encode,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, contents):
        super().__init__(io.BytesIO(contents), encoding="bytes")
        self.copies = _Copies(len(contents))

    def find_class(self, module, name):
        if (module, name) not in _NAMES:
            raise _Refused(
                "Expected byte strings, lists, tuples, booleans and uint8 "
                f"arrays. Received: {module}.{name}"
            )
        make, copies = _NAMES[module, name], self.copies
        # No `partial`: a pickle could give one another state, itself as well.
        return lambda *given: make(copies, *given)


def as_bytes(value):
    """The bytes of a byte string or of an array; None of anything else."""
    value = value.contents if isinstance(value, _Array) else value
    return value if isinstance(value, bytes) else None
