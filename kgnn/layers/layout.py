"""`Layout`: how the products of a network are laid out, as measured on this machine, or else by rule.

A layout changes how fast a network is computed, and nothing of what it computes. What `kgnn.tune` has found lies in one
small file for every network and kind of device, in the user's cache folder.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jax
import numpy as np

from kgnn.errors import SourceError
from kgnn.knowledge import cache_folder
from kgnn.knowledge.writing import whole_file
from kgnn.layers.tiles import samples_of_a_tile
from kgnn.structure import Hierarchy
from kgnn.structure.buckets import PRICE_OF_A_BUCKET

VARIABLE = "KGNN_COMPILATION_CACHE"
"""Environment variable that names another folder for what is kept from run to run, or turns that off."""
OFF = ("0", "off", "no", "false", "none")
VERSION = 1
"""Raised with every change of the products after which older measurements mean nothing."""


@dataclass(frozen=True)
class Layout:
    """How the products of a network are laid out.

    Attributes:
        price: What one product more costs, in padded weights, see `kgnn.structure.wiring.wire`.
        samples_of_a_tile: Samples that are computed together at most, on a single CPU device.
        measured: Whether it was measured on this device; False for the rule that holds otherwise.
    """

    price: int
    samples_of_a_tile: int
    measured: bool = False


def default_layout(n_rows: int) -> Layout:
    """The layout where nothing was measured.

    Args:
        n_rows: States of the network.

    Returns:
        The layout.
    """
    return Layout(PRICE_OF_A_BUCKET, samples_of_a_tile(n_rows))


def layout_here(hierarchy: Hierarchy, n_states: np.ndarray) -> Layout:
    """The layout of a network on the device at hand: the one that `kgnn.tune` has chosen, else the default.

    Args:
        hierarchy: The compiled hierarchy.
        n_states: int ``[term]``, states of every term.

    Returns:
        The layout. A file that cannot be read or is damaged counts as none. Several processes that train together
        must run one program, so they take the default.
    """
    default = default_layout(int(n_states.sum()))
    folder = _folder()
    if folder is None or jax.process_count() > 1:
        return default
    key = _key(hierarchy, n_states)
    try:
        stored = json.loads((folder / _file_name(key)).read_text(encoding="utf-8"))
        numbers = stored["layout"]["price"], stored["layout"]["samples_of_a_tile"]
        sound = stored["key"] == key and all(type(number) is int and number > 0 for number in numbers)
    except (OSError, ValueError, KeyError, TypeError):
        return default
    return Layout(*numbers, measured=True) if sound else default


def keep_layout(hierarchy: Hierarchy, n_states: np.ndarray, layout: Layout) -> Path | None:
    """Write what was chosen to where `layout_here` looks.

    Args:
        hierarchy: The compiled hierarchy.
        n_states: int ``[term]``, states of every term.
        layout: The choice.

    Returns:
        The file; None where the cache is turned off or its folder cannot be written to.
    """
    folder = _folder()
    if folder is None:
        return None
    key = _key(hierarchy, n_states)
    path = folder / _file_name(key)
    chosen = {name: value for name, value in asdict(layout).items() if name != "measured"}
    try:
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps({"key": key, "layout": chosen}, indent=1) + "\n", encoding="utf-8")
    except OSError:
        return None
    return path


def _folder() -> Path | None:
    """Beside the compiled programs; below the folder that the user names for these."""
    wish = os.environ.get(VARIABLE, "")
    if wish.lower() in OFF:
        return None
    try:
        return (Path(wish) if wish else cache_folder()) / "layouts"
    except SourceError:
        return None


def _key(hierarchy: Hierarchy, n_states: np.ndarray) -> dict[str, Any]:
    """All that the best layout depends on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "hierarchy": hierarchy.fingerprint,
        "states": sha256(n_states.astype("<i8").tobytes()).hexdigest(),
        "device": jax.devices()[0].device_kind,
        "cores": cores,
        "jax": jax.__version__,
        "layout": VERSION,
    }


def _file_name(key: dict[str, Any]) -> str:
    return sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32] + ".json"
