"""The most similar of a gallery, without the matrix of all similarities."""

import numbers

import numpy as np

# Similarities in memory at a time, 4 million float32: 16 MiB.
_BLOCK = 1 << 22
_PROBES = 2048


def top_matches(probes, gallery, k, order=None, progress=None):
    """Finds the k most similar rows of a gallery for each probe.

    By matrix products of blocks: each block's candidates are those above the
    k-th best so far, which soon are few, and are merged into the best. Memory
    beside the arguments is bounded, however large the gallery; it may be a
    `np.memmap`.

    Args:
        probes: [n, dim] float array, of any length.
        gallery: [m, dim] float array, of any length.
        k: integer, at most m.
        order: [r] integer array, rows of the gallery to search, in the order
            to read them; None searches all.
        progress: callable of the number of comparisons done, of n * m (or
            n * r), or None.

    Returns:
        A tuple of [n, k] float32 cosine similarities, descending, and [n, k]
        integer rows of the gallery. A zero embedding is at 0 from all.

    Raises:
        ValueError: shapes don't fit, an embedding isn't finite, or k isn't in
            1..m.

    Example:
        >>> similarities, rows = top_matches(probes, gallery, k=5)
        >>> similarities.shape
        (3530, 5)
    """
    probes, gallery = np.asarray(probes), np.asanyarray(gallery)
    size = len(gallery) if order is None else len(order)
    if not (probes.ndim == gallery.ndim == 2) or (
        probes.shape[1] != gallery.shape[1]
    ):
        raise ValueError(
            "Expected probes [n, dim] and gallery [m, dim]. "
            f"Received: {probes.shape} and {gallery.shape}"
        )
    if not isinstance(k, numbers.Integral) or not 1 <= k <= size:
        raise ValueError(f"Expected k in 1..{size}. Received: k={k}")
    best = np.full((len(probes), k), -np.inf, np.float32)
    rows = np.zeros((len(probes), k), np.int64)
    for start in range(0, len(probes), _PROBES):
        part = slice(start, start + _PROBES)
        units = unit_rows(probes[part])
        _search(
            units,
            gallery,
            order,
            best[part],
            rows[part],
            after(progress, start * size),
        )
    return best, rows


def after(progress, before):
    """A part's `progress`, of the whole of which so much is done before.

    Args:
        progress: callable of a number, or None.
        before: integer.

    Returns:
        A callable of a number, or None.
    """
    if progress is None:
        return None
    return lambda done: progress(before + done)


def unit_rows(embeddings):
    """Gives embeddings unit length, in float32.

    Args:
        embeddings: [n, dim] float array.

    Returns:
        [n, dim] float32 array; zero rows stay zero.

    Raises:
        ValueError: an embedding isn't finite.
    """
    units = np.asarray(embeddings).astype(np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", units, units))[:, np.newaxis]
    if not np.isfinite(norms).all():
        raise ValueError(
            "Expected finite embeddings. Received: "
            f"{np.sum(~np.isfinite(norms))} with NaN or infinity"
        )
    units /= np.where(norms > 0, norms, 1)
    return units


def _search(units, gallery, order, best, rows, progress):
    """Searches for some probes; writes into `best` and `rows`."""
    size = len(gallery) if order is None else len(order)
    width = min(max(_BLOCK // len(units), 1), size)
    # One buffer for all blocks: fresh memory for each would cost page faults.
    buffer = np.empty((len(units), width), np.float32)
    for start in range(0, size, width):
        end = min(start + width, size)
        places = np.arange(start, end) if order is None else order[start:end]
        block = gallery[start:end] if order is None else gallery[places]
        similarities = buffer[:, : end - start]
        np.matmul(units, unit_rows(block).T, out=similarities)
        _merge(best, rows, similarities, places)
        if progress is not None:
            progress(end * len(units))


def _merge(best, rows, similarities, places):
    """Merges a block's similarities into the best so far, in place."""
    k = best.shape[1]
    if similarities.shape[1] > k and np.isneginf(best[0, -1]):
        # Nothing to compare with yet: nearly all would be candidates.
        lowest = np.partition(similarities, -k, axis=1)[:, [-k]]
        better = similarities >= lowest
    else:
        better = similarities > best[:, -1:]
    # Of one dimension, NumPy finds them ten times as fast as of two.
    who, column = np.divmod(np.flatnonzero(better), similarities.shape[1])
    # Soon a block betters few probes: the others are left alone.
    touched, newcomers = np.unique(who, return_inverse=True)
    owner = np.append(np.repeat(np.arange(len(touched)), k), newcomers)
    values = np.append(best[touched], similarities[who, column])
    candidates = np.append(rows[touched], places[column])
    ranking = np.lexsort((candidates, -values, owner))
    starts = np.searchsorted(owner[ranking], np.arange(len(touched)))
    kept = ranking[starts[:, np.newaxis] + np.arange(k)]
    best[touched], rows[touched] = values[kept], candidates[kept]
