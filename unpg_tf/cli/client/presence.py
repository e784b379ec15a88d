"""Whether what `unpg client` is told to ask is there, before it starts."""

import pathlib
import socket
import time
import urllib.parse
import urllib.request

from unpg_tf.files import saved_model_folder

_PORTS = {"http": 80, "https": 443}
_SECONDS = 5
_PAUSE = 0.25


def expect_file(name, path):
    """Raises a FileNotFoundError where there is no such file.

    Args:
        name: string, what it should be.
        path: string.
    """
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"Expected {name}. Received: {path}, no file")


def expect_server(address, retries, version=None):
    """Raises where a server refuses to be connected, or has an unknown name.

    Whatever else is wrong with an address or a server is told by the client
    that asks it; so is all that lies behind a proxy.

    Args:
        address: string, as in `serving.clients.connect`.
        retries: integer, further tries where nobody listens yet.
        version: integer, which of a folder's versions; None for the highest.

    Raises:
        ConnectionError: nobody listens at the port, or the host isn't known.
        FileNotFoundError: the address is a folder's, without a SavedModel.
    """
    if "://" not in address:
        expect_file(
            "--server=http://HOST:PORT or grpc://HOST:PORT, or a SavedModel's "
            "folder",
            saved_model_folder(address, version) / "saved_model.pb",
        )
        return
    place = _place(address)
    if place is None or urllib.request.getproxies():
        return
    for attempt in range(retries + 1):
        try:
            socket.create_connection(place, _SECONDS).close()
            return
        except (ConnectionRefusedError, socket.gaierror) as error:
            told = error.strerror
        except OSError:
            return
        if attempt < retries:
            time.sleep(_PAUSE * 2**attempt)
    raise ConnectionError(
        f"Expected a server at --server={address}. Received: {told}"
    )


def _place(address):
    """Host and port; None for an address that isn't of these."""
    try:
        parts = urllib.parse.urlsplit(address)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None
