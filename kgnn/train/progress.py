"""Progress of a fit for a person to watch: loss, validation score and time left, on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple, Protocol


class EpochReport(NamedTuple):
    """What is known after an epoch.

    Attributes:
        what: What is being fitted, such as ``"dcell"`` or ``"dense baseline"``.
        epoch: Epochs done.
        epochs: Epochs at most.
        loss: Mean loss of the output over the epoch.
        score_name: Name of the validation score.
        score: Its value; NaN where there are no validation samples.
        best: Its best value so far.
        share: How much of the next epoch is done as well, where an epoch comes in chunks; the loss is then that of this
            part.
    """

    what: str
    epoch: int
    epochs: int
    loss: float
    score_name: str
    score: float
    best: float
    share: float = 0.0


class Progress(Protocol):
    """Anything that wants to be told after every epoch, and after every chunk of one that is streamed."""

    def __call__(self, report: EpochReport) -> None:
        """Take notice of an epoch."""


class CountProgress:
    """One progress bar in the terminal that counts; use it as a context manager. Nothing appears before the first call.

    Args:
        what: What is counted.
        shown: Whether to show anything at all.

    Attributes:
        total: How many there are, once the first call has told.
    """

    def __init__(self, what: str, *, shown: bool = True) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
        self._bars = Bars(*columns, console=Console(stderr=True), disable=not shown)
        self._started = False
        self.total = 0

    def __enter__(self) -> CountProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            self._bars.stop()

    def __call__(self, done: int, total: int) -> None:
        """Move the bar."""
        if not self._started:
            self._bars.start()
            self._bars.add_task("", total=total)
            self._started, self.total = True, total
        for task in self._bars.task_ids:
            self._bars.update(task, completed=done)


class RichProgress:
    """Progress bars in the terminal; use it as a context manager. Nothing appears before the first report."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[scores]}"),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> RichProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tasks:
            self._bars.stop()

    def __call__(self, report: EpochReport) -> None:
        """Move the bar of what is being fitted."""
        if not self._tasks:
            self._bars.start()
        if report.what not in self._tasks:
            self._tasks[report.what] = self._bars.add_task(report.what, total=report.epochs, scores="")
        scores = f"loss {report.loss:.4f}"
        if report.score == report.score:
            scores += f"  valid {report.score_name} {report.score:.3f} (best {report.best:.3f})"
        self._bars.update(self._tasks[report.what], completed=report.epoch + report.share, scores=scores)  # type: ignore[arg-type]
