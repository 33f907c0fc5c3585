"""Trees of arrays as safetensors files: bit for bit, written at once or not at all."""

from __future__ import annotations

import hashlib
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kgnn.errors import RunError, name_some
from kgnn.knowledge.writing import whole_file


def save_arrays(path: str | PathLike[str], tree: Any) -> None:
    """Write every array of a tree under its path in the tree.

    Args:
        path: File to write.
        tree: Any tree that JAX knows; random keys are written as their data.
    """
    from safetensors.numpy import save

    named = {jax.tree_util.keystr(where): np.asarray(_plain(leaf)) for where, leaf in _leaves(tree)}
    write_bytes(path, save({name: array.copy(order="C") for name, array in named.items()}))


def load_arrays(path: str | PathLike[str], like: Any) -> Any:
    """Read a tree of the same form as another.

    Args:
        path: File that `save_arrays` wrote.
        like: A tree with the form, shapes and types that are expected.

    Returns:
        The tree.

    Raises:
        RunError: If the file is damaged, or names, shapes or types differ.
    """
    return parse_arrays(read_bytes(path), like, path)


def read_bytes(path: str | PathLike[str]) -> bytes:
    """Content of a file of arrays.

    Raises:
        RunError: If it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        raise RunError(f"{path}: the arrays cannot be read ({problem}). Train again into an empty folder.") from None


def parse_arrays(content: bytes, like: Any, path: str | PathLike[str]) -> Any:
    """As `load_arrays`, from the content of a file.

    Args:
        content: What `save_arrays` wrote.
        like: A tree with the form, shapes and types that are expected.
        path: The file, for messages.

    Returns:
        The tree.

    Raises:
        RunError: If the content is damaged, or names, shapes or types differ.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        stored = load(content)
    except (SafetensorError, ValueError) as problem:
        raise RunError(f"{path}: the arrays cannot be read ({problem}). Train again into an empty folder.") from None
    expected = {jax.tree_util.keystr(where): leaf for where, leaf in _leaves(like)}
    differing = sorted(expected.keys() ^ stored.keys()) or [
        name for name, leaf in expected.items() if _form(stored[name]) != _form(_plain(leaf))
    ]
    if differing:
        raise RunError(
            f"{path}: {len(differing)} arrays do not fit the model: {name_some(differing)}. The run was made with "
            "another version or hierarchy; train again."
        )
    leaves = [_typed(stored[name], leaf) for name, leaf in expected.items()]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def write_bytes(path: str | PathLike[str], content: bytes) -> None:
    """Write a file under a temporary name, then rename it."""
    with whole_file(path) as unfinished:
        unfinished.write_bytes(content)


def digest_arrays(tree: Any) -> str:
    """Hexadecimal SHA-256 of the names and bytes of every array of a tree."""
    digest = hashlib.sha256()
    for where, leaf in _leaves(tree):
        digest.update(jax.tree_util.keystr(where).encode())
        digest.update(np.asarray(_plain(leaf)).tobytes())
    return digest.hexdigest()


def _form(array: Any) -> tuple[tuple[int, ...], np.dtype]:
    return tuple(array.shape), np.dtype(array.dtype)


def _leaves(tree: Any) -> list[tuple[Any, Any]]:
    return jax.tree_util.tree_flatten_with_path(tree)[0]


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _typed(array: np.ndarray, like: Any) -> Any:
    return jax.random.wrap_key_data(jnp.asarray(array)) if _is_key(like) else jnp.asarray(array)
