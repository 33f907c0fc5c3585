"""`Checkpoint`: the state of a fit on disk, so that an interrupted run goes on to the same result."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from flax import nnx

from kgnn.data.samples import Samples
from kgnn.errors import RunError, name_some
from kgnn.knowledge.provenance import content_fingerprint
from kgnn.models.contract import Model
from kgnn.train.arrays import digest_arrays, parse_arrays, read_bytes, save_arrays, write_bytes
from kgnn.train.config import TrainConfig
from kgnn.train.processes import is_first_process, share


@dataclass(frozen=True)
class Checkpoint:
    """Where a fit is saved, and what it belongs to.

    Attributes:
        folder: ``checkpoint`` in the run folder.
        belongs_to: Hash of the model as it starts, of settings and of samples.
    """

    folder: Path
    belongs_to: str

    @classmethod
    def open(
        cls, out: str | PathLike[str], model: Model, config: TrainConfig, train: Samples, valid: Samples | None
    ) -> Checkpoint:
        """The checkpoint of a run folder.

        Raises:
            RunError: If there is one of another model, other settings or samples, or it is damaged.
        """
        checkpoint = cls(Path(out) / "checkpoint", content_of_fit(model, config, train, valid))
        found = checkpoint._record()
        if found is not None and found["belongs_to"] != checkpoint.belongs_to:
            raise RunError(
                f"{out}: an interrupted run is here whose model, settings or samples differ ({found['epoch']} epochs "
                "done). Give the same command to resume it, or choose another folder."
            )
        return checkpoint

    def save(self, state: Any, kept: Any, rows: list[dict[str, Any]]) -> None:
        """Write all that is needed to go on; the record comes last and names the arrays it belongs to.

        Args:
            state: The training state.
            kept: Arrays of the best model so far.
            rows: History so far.
        """
        arrays = f"epoch_{len(rows)}.safetensors"
        save_arrays(self.folder / arrays, {"state": state, "kept": kept})
        record = {"belongs_to": self.belongs_to, "epoch": len(rows), "arrays": arrays, "history": rows}
        write_bytes(self.folder / "checkpoint.json", json.dumps(record, allow_nan=False).encode())
        for old in self.folder.glob("epoch_*.safetensors"):
            if old.name != arrays:
                old.unlink()

    def resume(self, state: Any, kept: Any) -> tuple[Any, Any, list[dict[str, Any]]]:
        """The saved state, or the one given where nothing was saved.

        Of several processes the first one reads, and tells the others: they need not see its folder.

        Args:
            state: A state of the right form.
            kept: Kept arrays of the right form.

        Returns:
            State, kept arrays and history.
        """
        content = share(self._content() if is_first_process() else b"")
        if not content:
            return state, kept, []
        record, _, arrays = content.partition(b"\n")
        record = json.loads(record)
        stored = parse_arrays(arrays, {"state": state, "kept": kept}, self.folder / record["arrays"])
        return stored["state"], stored["kept"], record["history"]

    def remove(self) -> None:
        """Delete the checkpoint of a run that has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _content(self) -> bytes:
        """The record on one line, then the file of its arrays; empty where nothing was saved."""
        record = self._record()
        if record is None:
            return b""
        return json.dumps(record).encode() + b"\n" + read_bytes(self.folder / record["arrays"])

    def _record(self) -> dict[str, Any] | None:
        path = self.folder / "checkpoint.json"
        if not path.is_file():
            return None
        try:
            record = json.loads(path.read_text())
            missing = {"belongs_to", "epoch", "arrays", "history"} - record.keys()
        except (ValueError, AttributeError) as problem:
            raise RunError(f"{path}: damaged ({problem}). Remove the folder and train again.") from None
        if missing:
            raise RunError(f"{path}: damaged, without {name_some(sorted(missing))}. Remove it and train again.")
        return record


def content_of_fit(model: Model, config: TrainConfig, train: Samples, valid: Samples | None) -> str:
    """Hash of all that decides how a fit goes on; the number of devices is no part of it.

    Args:
        model: The model as it starts.
        config: Settings.
        train: Training samples.
        valid: Validation samples, or None.

    Returns:
        Hexadecimal hash.
    """
    parts = [model.arguments, model.structure and model.structure.fingerprint, sorted(asdict(config).items())]
    parts += [digest_arrays(nnx.state(model)), train.fingerprint, None if valid is None else valid.fingerprint]
    return content_fingerprint(parts)
