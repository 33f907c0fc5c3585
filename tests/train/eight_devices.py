"""Fits on 1, 2 and 8 devices in one process, for `test_devices`; run with XLA_FLAGS that make 8 devices of the CPU.

What is found is printed as one JSON object: histories and predictions by name and number of devices.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from kgnn.data import Modality, Samples, Targets
from kgnn.layers import SubsystemSettings
from kgnn.models import DrugResponseNetwork, Model
from kgnn.train import EpochReport, Run, TrainConfig, fit, predict
from kgnn.train.device_data import device_data
from kgnn.train.devices import place
from kgnn.train.engine import Engine
from tests.train.small import GENES, quick, small_hierarchy, small_model, small_samples

# 37 samples in 2 batches of 19 and, of pairs, 135 in 2 batches of 68: neither divides by 8, and there is padding.
VISIBLE = quick(epochs=4, average=0.9, checkpoint_every=2)
SHARED_ROWS = quick(epochs=3, batch_size=70)
REPLICATES = quick(epochs=2, replicates=3)
STREAMED = quick(epochs=2, stream="always", data_memory=1e-6)


def numbered(what: str, n: int) -> tuple[str, ...]:
    return tuple(f"{what} {i}" for i in range(n))


def response_samples(n: int = 150, n_cells: int = 11, n_drugs: int = 7, n_bits: int = 5) -> Samples:
    """Pairs of few cells and few drugs: samples share rows."""
    rng = np.random.default_rng(1)
    cell, drug = rng.integers(0, n_cells, n), rng.integers(0, n_drugs, n)
    values, bits = rng.integers(0, 2, (n_cells, len(GENES))), rng.integers(0, 2, (n_drugs, n_bits))
    genotype = Modality(values.astype(np.uint8), GENES, numbered("cell", n_cells), "alteration")
    fingerprint = Modality(bits.astype(np.uint8), numbered("bit", n_bits), numbered("drug", n_drugs), "signal")
    targets = Targets((values[cell, 1] - bits[drug, 2])[:, None].astype(np.float32), ("response",), "regression")
    return Samples(
        names=numbered("pair", n),
        modalities={"genotype": genotype, "fingerprint": fingerprint},
        row_of_sample={"genotype": cell, "fingerprint": drug},
        targets=targets,
    )


def response_model() -> Model:
    settings = SubsystemSettings(2, heads="tanh_linear", gene_layer=True)
    return DrugResponseNetwork(
        small_hierarchy(), 5, settings, drug_layers=(4, 3), outputs=("response",), rngs=nnx.Rngs(0)
    )


def visible_model() -> Model:
    return small_model(settings=SubsystemSettings(3, dropout=0.3))


FITS: dict[str, tuple[Callable[[], Model], Callable[[], Samples], TrainConfig]] = {
    "visible": (visible_model, small_samples, VISIBLE),
    "shared rows": (response_model, response_samples, SHARED_ROWS),
    "replicates": (small_model, small_samples, REPLICATES),
    "streamed": (small_model, small_samples, STREAMED),
}


def stop_after_three(report: EpochReport) -> None:
    if report.epoch == 3:
        raise KeyboardInterrupt


def found(run: Run, samples: Samples) -> dict[str, Any]:
    return {"history": run.history.to_dict("list"), "predicted": predict(run.model, samples).tolist()}


def work_of_a_device(n_devices: int) -> tuple[float, bool]:
    """Floating-point operations of one device in an epoch, and whether devices add their parts up."""
    samples, placement = small_samples(512), place(n_devices)
    model = small_model(settings=SubsystemSettings(5))
    engine = Engine(model, quick(batch_size=256), len(samples), placement)
    program = engine.run_epoch.lower(engine.start(model, 0), placement.copy(device_data(samples))).compile()
    return program.cost_analysis()["flops"], "all-reduce" in (program.as_text() or "")


def main(folder: Path) -> None:
    jax.config.update("jax_compilation_cache_dir", str(folder / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    result: dict[str, Any] = {"devices": jax.device_count()}
    for name, (model, samples, config) in FITS.items():
        for devices in (1, "all"):
            run = fit(model(), samples(), config, baselines=(), devices=devices)
            result[f"{name} {devices}"] = found(run, samples())
    start = (visible_model(), small_samples(), VISIBLE)
    with suppress(KeyboardInterrupt):
        fit(*start, baselines=(), devices=8, out=folder / "on 1", progress=stop_after_three)
    shutil.copytree(folder / "on 1", folder / "on 2")
    result["resumed on 2"] = found(fit(*start, baselines=(), devices=2, out=folder / "on 2"), start[1])
    result["work"] = [work_of_a_device(1), work_of_a_device(8)]
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
