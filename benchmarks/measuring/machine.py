"""What a measurement ran on: processor, accelerator, versions, and the memory of this process."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("kgnn", "jax", "jaxlib", "flax", "optax", "numpy", "torch")
GIGA = 1e9
SETTINGS = ("GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "LD_PRELOAD", "XLA_FLAGS", "OMP_NUM_THREADS")
"""Variables of the environment that change how fast everything runs, kgnn and peers alike."""


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory and accelerator; nothing that names this very machine."""
    import jax

    device = jax.devices()[0]
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": _memory_gb(),
        "system": platform.system(),
        "backend": jax.default_backend(),
        "device": device.device_kind,
        "devices": jax.device_count(),
        "environment": {name: os.environ[name] for name in SETTINGS if name in os.environ},
    }


def describe_versions() -> dict[str, str]:
    """Versions of Python and of the packages that are installed, and the commit of the working tree."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    commit = _commit()
    return {**found, "commit": commit} if commit else found


def peak_memory_gb() -> float:
    """Most memory that this process has held so far, in 1e9 bytes.

    Linux hands the peak of the parent down to a child in ``ru_maxrss``, so the kernel's own record is preferred.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"), flags=re.M)
        if found:
            return int(found[1]) * 1024 / GIGA
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if platform.system() == "Darwin" else 1024) / GIGA


def device_peak_memory_gb() -> float | None:
    """Most memory held on the accelerator so far, in 1e9 bytes; None where JAX keeps no such record, as on a CPU."""
    import jax

    record = jax.devices()[0].memory_stats() or {}
    peak = record.get("peak_bytes_in_use")
    return None if peak is None else peak / GIGA


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), flags=re.M)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGA, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _commit() -> str | None:
    """Short name of the commit, with a plus where files that git knows have changed since."""
    folder = Path(__file__).parent
    try:
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
