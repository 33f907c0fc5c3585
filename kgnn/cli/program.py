"""The program ``kgnn``: its commands, and what becomes of an error."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Annotated, NoReturn

import typer

from kgnn import launch, options
from kgnn.cli.compare import compare
from kgnn.cli.demo import demo
from kgnn.cli.describe import info, zoo
from kgnn.cli.interpret import edges, importance, report
from kgnn.cli.knowledge import compile_, fetch
from kgnn.cli.motifs import kernels, motifs, scan
from kgnn.cli.perturb import knockdown, screen
from kgnn.cli.prune import prune
from kgnn.cli.releases import diff, migrate
from kgnn.cli.samples import annotate, pack, predict
from kgnn.cli.train import train
from kgnn.cli.wording import in_options
from kgnn.errors import KgnnError

COMMANDS = (
    ("demo", demo),
    ("fetch", fetch),
    ("compile", compile_),
    ("train", train),
    ("compare", compare),
    ("prune", prune),
    ("pack", pack),
    ("predict", predict),
    ("annotate", annotate),
    ("knockdown", knockdown),
    ("screen", screen),
    ("importance", importance),
    ("edges", edges),
    ("report", report),
    ("kernels", kernels),
    ("motifs", motifs),
    ("scan", scan),
    ("diff", diff),
    ("migrate", migrate),
    ("zoo", zoo),
    ("info", info),
)
"""Every command, in the order of the help."""

_EPILOGS = {"compile": options.KNOWLEDGE_FORMATS}

INTERRUPTED = 130
USER_MISTAKE = 2

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Build a visible network from an ontology, train it, knock genes down, and see which subsystems matter.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"kgnn {version('kgnn')}")
        except PackageNotFoundError:
            typer.echo("kgnn, not installed")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def kgnn(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Build a visible network from an ontology, train it, knock genes down, and see which subsystems matter."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for _name, _command in COMMANDS:
    app.command(_name, epilog=_EPILOGS.get(_name))(_command)


def main() -> None:
    """Run the command line; a user's mistake becomes one line on stderr and exit code 2."""
    if launch.is_worker():
        launch.become_worker()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    # That JAX could use another device than it found is no news to someone who reads results.
    logging.getLogger("jax").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # What libraries deprecate concerns those who call them.
            for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
                warnings.simplefilter("ignore", kind)
            code = app(standalone_mode=False)
    except KgnnError as problem:
        _exit(_fail(in_options(str(problem), _options_of(sys.argv[1:2]))))
    except OSError as problem:
        where = "" if problem.filename is None else f"{problem.filename}: "
        _exit(_fail(f"{where}{problem.strerror or problem}."))
    except Exception as problem:
        # Click's own errors (an unknown option, a missing value) carry their message; anything else is a defect.
        if not hasattr(problem, "format_message"):
            if launch.is_worker():
                launch.end_worker_on(problem)
            raise
        _exit(_fail(problem.format_message()))  # type: ignore[attr-defined]
    if code == INTERRUPTED:
        last = {"train": "checkpoint", "screen": "finished block", "compare": "finished fit"}.get(
            "".join(sys.argv[1:2])
        )
        again = f"; give the same command to go on from the last {last}" if last else ""
        print(f"interrupted{again}", file=sys.stderr)
    _exit(code)


def _options_of(words: list[str]) -> dict[str, str]:
    """Options of the command that was given, by name of their parameter."""
    command = dict(typer.main.get_command(app).commands).get("".join(words))  # type: ignore[attr-defined]
    parameters = [] if command is None else command.params
    return {each.name: each.opts[0] for each in parameters if each.opts[0].startswith("--")}


def _exit(code: int | None) -> NoReturn:
    if launch.is_worker() and code:
        launch.end_worker(code)
    sys.exit(code)


def _fail(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return USER_MISTAKE
