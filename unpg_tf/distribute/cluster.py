"""The workers that the environment variable TF_CONFIG names."""

import itertools
import json
import os
import re
from typing import NamedTuple

_EXPECTED = (
    'Expected TF_CONFIG={"cluster": {"worker": ["HOST:PORT", …]}, "task": '
    '{"type": "worker", "index": 0}}'
)


class Cluster(NamedTuple):
    """Who trains together, and who of them this process is.

    Attributes:
        addresses: dict of kinds, such as "worker", to lists of "HOST:PORT";
            empty for a process that trains alone.
        kind: string, the kind of this process.
        index: integer, its place in the list of its kind.
    """

    addresses: dict
    kind: str
    index: int


def read_cluster():
    """Reads TF_CONFIG, and checks all of it.

    TensorFlow itself trains alone, or hangs, for some wrong values.

    Returns:
        A `Cluster`.

    Raises:
        ValueError: TF_CONFIG isn't as TensorFlow expects it: an address has no
            port in 1..65535, an address is there twice, the index is no
            integer or beyond the list.

    Example:
        >>> os.environ["TF_CONFIG"] = '{"cluster": {"worker": ["a:2222"]}}'
        >>> read_cluster()
        Cluster(addresses={'worker': ['a:2222']}, kind='worker', index=0)
    """
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        config = json.loads(text)
    except (RecursionError, ValueError):
        raise _wrong(text) from None
    if not isinstance(config, dict):
        raise _wrong(text)
    if config and "cluster" not in config:
        raise _wrong(f"no cluster, but {', '.join(map(str, config))}")
    addresses, task = config.get("cluster", {}), config.get("task", {})
    if not isinstance(addresses, dict) or not isinstance(task, dict):
        raise _wrong(text)
    _check_addresses(addresses)
    kind, index = task.get("type", "worker"), _index(task.get("index", 0))
    if not isinstance(kind, str):
        raise _wrong(f"type {kind!r}")
    if addresses and index >= len(addresses.get(kind, [])):
        raise ValueError(
            f"Expected the index of a {kind} in TF_CONFIG's cluster. "
            f"Received: {index}"
        )
    return Cluster(addresses, kind, index)


def _check_addresses(addresses):
    for kind, listed in addresses.items():
        if not isinstance(listed, list) or not listed:
            raise _wrong(f"{kind}: {listed!r}")
        for address in listed:
            if not _is_address(address):
                raise _wrong(f"the address {address!r}")
    everyone = sorted(itertools.chain(*addresses.values()))
    for one, other in itertools.pairwise(everyone):
        if one == other:
            raise _wrong(f"the address {one!r} twice")


def _is_address(given):
    found = isinstance(given, str) and re.fullmatch(r".+:(\d{1,5})", given)
    return bool(found) and 1 <= int(found[1]) <= 65535


def _index(given):
    # Schedulers fill it in as text now and then.
    if isinstance(given, str) and re.fullmatch(r"\d{1,9}", given):
        return int(given)
    if type(given) is not int or given < 0:
        raise _wrong(f"index {given!r}")
    return given


def _wrong(received):
    if len(received) > 300:
        received = f"{received[:300]} …"
    return ValueError(f"{_EXPECTED}. Received: {received}")
