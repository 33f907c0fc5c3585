"""`Run`: a fitted model with everything needed to know where it came from, and the folder it lives in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flax import nnx

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, RunError, name_some
from kgnn.knowledge.ontology import Ontology
from kgnn.knowledge.provenance import Provenance
from kgnn.models.build import arguments_from_json, arguments_to_json, build
from kgnn.models.contract import Model
from kgnn.structure import Hierarchy, Structure, knowledge_fingerprint, load_structure
from kgnn.train.arrays import load_arrays, save_arrays, write_bytes
from kgnn.train.config import TrainConfig
from kgnn.train.scoring import undefined_as_none
from kgnn.train.stored_samples import load_samples, save_samples

if TYPE_CHECKING:
    import pandas

PACKAGES = ("kgnn", "jax", "jaxlib", "flax", "optax", "numpy", "scikit-learn")


RECORD = frozenset(
    ("recipe", "model", "settings", "hierarchy", "ontology", "alignment", "provenance", "versions")
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Run:
    """A fitted model and its record.

    Attributes:
        model: The fitted model.
        samples: Samples that the model was not fitted on where there are any (test, else validation), else those of
            training; knockdowns and importance use them unless others are given.
        settings: The training settings.
        history: One row an epoch: epoch, loss (of the output, mean over the epoch), auxiliary (sum of the losses of all
            auxiliary heads, before its weight), valid_score (NaN where undefined or without validation samples).
        metrics: Scores of the model and of its baselines, by split, None where one is undefined; sizes and seconds.
        split: Sample names of each part.
        provenance: Sources and transformations of knowledge and samples.
        recipe: Name in `kgnn.zoo`, ``""`` for a model of one's own.
        alignment: How many genes met and what was lost, or None.
        versions: Versions of the packages.
        folder: Where it is stored, or None.
    """

    model: Model
    samples: Samples
    settings: TrainConfig
    history: pandas.DataFrame
    metrics: dict[str, Any]
    split: dict[str, list[str]]
    provenance: Provenance
    recipe: str = ""
    alignment: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def structure(self) -> Structure | None:
        """What the model was compiled from; None for a model without structure."""
        return self.model.structure

    @property
    def hierarchy(self) -> Hierarchy:
        """The compiled hierarchy.

        Raises:
            RunError: If the model has none.
        """
        if self.model.hierarchy is None:
            raise RunError(
                f"the model of this run, a {self.model.arguments.kind}, has no hierarchy of terms. Choose a visible "
                "network."
            )
        return self.model.hierarchy

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs or classes."""
        return self.model.output_names

    @property
    def config(self) -> dict[str, Any]:
        """The training settings as a dictionary."""
        return asdict(self.settings)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.settings.seed

    def save(self, folder: str | PathLike[str]) -> Run:
        """Write the run; each file appears whole or not at all, and ``metrics.json`` last.

        Args:
            folder: Made if need be.

        Returns:
            The run, with its folder.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        structure, hierarchy = self.model.structure, self.model.hierarchy
        save_arrays(folder / "weights.safetensors", nnx.state(self.model))
        if structure is not None:
            structure.save(folder / _file_of(structure))
        save_samples(folder / "samples.npz", self.samples)
        write_bytes(folder / "history.tsv", self.history.to_csv(sep="\t", index=False).encode())
        record = {
            "kind": "kgnn run",
            "recipe": self.recipe,
            "model": arguments_to_json(self.model.arguments),
            "settings": self.config,
            "hierarchy": None if hierarchy is None else hierarchy.fingerprint,
            "ontology": None if hierarchy is None else hierarchy.ontology_fingerprint,
            "structure": None if structure is None else structure.fingerprint,
            "knowledge": None if structure is None else knowledge_fingerprint(structure),
            "alignment": self.alignment,
            "provenance": self.provenance.to_json(),
            "versions": self.versions,
        }
        write_json(folder / "run.json", record)
        write_json(folder / "split.json", self.split)
        write_json(folder / "metrics.json", undefined_as_none(self.metrics))
        return Run(**{**vars(self), "folder": folder})


def load_run(folder: str | PathLike[str], *, ontology: Any = None) -> Run:
    """Read a run that `kgnn.fit` or ``kgnn train`` wrote.

    Args:
        folder: The run folder.
        ontology: Where given, the knowledge that the run must have been made with: an `Ontology`, `Network` or
            `MotifSet`, or what one of them was compiled to.

    Returns:
        The run; its model predicts bit for bit what it did.

    Raises:
        RunError: If a file is missing or damaged, or the run belongs to another ontology.
    """
    folder = Path(folder)
    record = _read_record(folder)
    structure = _read_structure(folder, record)
    _refuse_other_knowledge(folder, record, ontology)
    try:
        settings = TrainConfig(**record["settings"])
        model = build(arguments_from_json(record["model"]), structure, seed=settings.seed)
        provenance = Provenance.from_json(record["provenance"])
    except (KeyError, TypeError, KgnnError) as problem:
        raise RunError(f"{folder}: run.json does not fit this version of kgnn ({problem}). Train again.") from None
    nnx.update(model, load_arrays(_present(folder / "weights.safetensors", folder), nnx.state(model)))
    return Run(
        model=model,
        samples=load_samples(_present(folder / "samples.npz", folder)),
        settings=settings,
        history=_read_history(_present(folder / "history.tsv", folder)),
        metrics=_read_json(folder / "metrics.json", folder),
        split=_read_json(folder / "split.json", folder),
        provenance=provenance,
        recipe=record["recipe"],
        alignment=record["alignment"],
        versions=record["versions"],
        folder=folder,
    )


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide a result."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def write_json(path: Path, value: Any) -> None:
    """Write a value as strict JSON, at once or not at all."""
    write_bytes(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def _file_of(structure: Structure) -> str:
    return "hierarchy.npz" if isinstance(structure, Hierarchy) else "structure.npz"


def _read_structure(folder: Path, record: dict[str, Any]) -> Structure | None:
    """The structure of the run. The first runs name theirs ``hierarchy`` alone, since there was no other."""
    expected = record.get("structure") or record["hierarchy"]
    if not expected:
        return None
    path = folder / ("hierarchy.npz" if record["hierarchy"] else "structure.npz")
    structure = load_structure(_present(path, folder))
    if structure.fingerprint != expected:
        raise RunError(
            f"{folder}: {path.name} has fingerprint {structure.fingerprint[:12]}, but the run was trained on "
            f"{expected[:12]}. Put the file of this run back, or train again."
        )
    return structure


def _refuse_other_knowledge(folder: Path, record: dict[str, Any], given: Any) -> None:
    if given is None:
        return
    compiled = isinstance(given, Structure)
    key = "hierarchy" if isinstance(given, Hierarchy) else "structure" if compiled else "knowledge"
    found = record.get(key) or record["hierarchy" if compiled else "ontology"]
    key = "ontology" if isinstance(given, Ontology) else key
    if found != given.fingerprint:
        raise RunError(
            f"{folder}: the run was trained on {key} {str(found)[:12]}, but this one is "
            f"{given.fingerprint[:12]}. Load it with the {key} it was trained on, or carry it over to this one with "
            "kgnn migrate."
        )


def _present(path: Path, folder: Path) -> Path:
    if path.is_file():
        return path
    if not folder.is_dir():
        raise RunError(f"{folder}: there is no such run folder. Make one with kgnn train … --out {folder}.")
    if (folder / "checkpoint").is_dir():
        raise RunError(f"{folder}: training has not ended: {path.name} is missing. Give kgnn train again to resume.")
    raise RunError(f"{folder}: {path.name} is missing, so this is not a complete run. Train again into it.")


def _read_json(path: Path, folder: Path) -> Any:
    try:
        return json.loads(_present(path, folder).read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise RunError(f"{path}: damaged ({problem}). Train again into an empty folder.") from None


def _read_record(folder: Path) -> dict[str, Any]:
    """``run.json`` of a run that has ended."""
    _present(folder / "metrics.json", folder)
    record = _read_json(folder / "run.json", folder)
    missing = sorted(RECORD.difference(record if isinstance(record, dict) else ()))
    if missing:
        raise RunError(f"{folder}: run.json is no record of a run, it lacks {name_some(missing)}. Train again.")
    return record


def _read_history(path: Path) -> pandas.DataFrame:
    import pandas

    try:
        history = pandas.read_csv(path, sep="\t", float_precision="round_trip")
        # A column without a single number would come back as text.
        return history.astype({"valid_score": float})
    except (ValueError, KeyError) as problem:
        raise RunError(f"{path}: damaged ({problem}). Train again into an empty folder.") from None
