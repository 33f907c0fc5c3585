"""`FirstStage`: a first fit, from which another model starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from kgnn.data.samples import Samples
from kgnn.models import Model
from kgnn.train.config import TrainConfig
from kgnn.train.fit import fit
from kgnn.train.progress import Progress


class FirstStage(NamedTuple):
    """What is fitted before a model that starts from it, whose own fit is then the second of two stages.

    Attributes:
        model: Untrained; it is not changed.
        config: Settings to fit it with; one network is fitted, and all of it.
        what: Name for the progress report.
    """

    model: Model
    config: TrainConfig = TrainConfig()
    what: str = "first stage"

    def before(
        self,
        model: Model,
        samples: Samples,
        *,
        valid: Samples | None = None,
        progress: Progress | None = None,
        devices: int | str | None = None,
    ) -> dict[str, Any]:
        """Fit it, and let a model start from it (``start_from`` of `kgnn.models.contract.Trained`).

        Both stages must see the same training samples; what is to be tested belongs into neither.

        Args:
            model: Starts from what was learned. It is changed.
            samples: Training samples.
            valid: Validation samples; a share of the training samples where None.
            progress: Told after every epoch.
            devices: See `kgnn.fit`.

        Returns:
            For the record: ``best_epoch``, ``n_parameters`` and the scores of this stage as ``model``.
        """
        config = replace(self.config, frozen="", replicates=1)
        run = fit(
            self.model, samples, config, valid=valid, baselines=(), progress=progress, recipe=self.what, devices=devices
        )
        model.start_from(run.model)  # type: ignore[attr-defined]
        return {name: run.metrics[name] for name in ("best_epoch", "n_parameters", "model")}
