"""`Recipe` and `Card`: what a published system is made of, and what the user should know about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kgnn.data.measured import TARGET_KINDS
from kgnn.data.samples import Samples
from kgnn.errors import unknown_choice
from kgnn.models import Model
from kgnn.structure import Structure
from kgnn.train import TrainConfig
from kgnn.train.baselines import BASELINES
from kgnn.zoo.compile_knowledge import COMPILERS, Alignments


@dataclass(frozen=True)
class Card:
    """What to know about a published system before using it.

    Attributes:
        name: Name on the command line and in `kgnn.zoo`.
        title: One line.
        year: Of the paper.
        doi: Of the paper.
        inputs: What the user brings.
        versions: Named settings, each with what it stands for; the first is the default.
        differs: What differs from the paper, and why.
    """

    name: str
    title: str
    year: int
    doi: str
    inputs: str
    versions: Mapping[str, str]
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """A published system: a function that builds its model, its training settings and its card.

    Attributes:
        card: The card.
        build: Function of the compiled structure, ``version``, ``outputs``, ``task`` (where there are several),
            ``rngs`` and options; returns the model.
        configs: Training settings by version.
        options: Names of the options of `build` that ``--set`` may change, with their types.
        modalities: Tables that the samples must have; the first holds the genes. A last ``"..."`` stands for any
            number of further ones.
        leave_out: Covariates whose groups are also left out whole, in further fits beside the main one.
        knowledge: What it is compiled from: ``"ontology"``, ``"network"`` or ``"motifs"``.
        compiling: Arguments of `compile_hierarchy`, `compile_adjacency` or `compile_kernels` that it wants in place of
            their defaults.
        compiler: What compiles the knowledge in their place, where the recipe needs something else: of knowledge,
            samples and arguments by name, returns the structure and an alignment or None.
        tasks: Kinds of targets that it predicts.
        from_samples: Further arguments of `build` that the samples decide.
        prepare: What becomes of the samples of every part once the structure is known, such as targets that are their
            own genes.
        baselines: Those that mean something, see `kgnn.fit`.
    """

    card: Card
    build: Callable[..., Model]
    configs: Mapping[str, TrainConfig]
    options: Mapping[str, type] = field(default_factory=dict)
    modalities: tuple[str, ...] = ("gene",)
    leave_out: tuple[str, ...] = ()
    knowledge: str = "ontology"
    compiling: Mapping[str, Any] = field(default_factory=dict)
    compiler: Callable[[Any, Samples, Mapping[str, Any]], tuple[Structure, Alignments | None]] | None = None
    tasks: tuple[str, ...] = TARGET_KINDS
    from_samples: Callable[[Samples], Mapping[str, Any]] | None = None
    prepare: Callable[[Samples, Structure], Samples] | None = None
    baselines: tuple[str, ...] = BASELINES

    def compile(self, knowledge: Any, samples: Samples, **choices: Any) -> tuple[Structure, Alignments | None]:
        """Compile knowledge for a model over the features of some samples.

        Args:
            knowledge: An `Ontology`, `Network` or `MotifSet`, as `knowledge` says; or what was compiled from one.
            samples: Give the genes.
            **choices: Arguments of the function that compiles it; they come before those of `compiling`.

        Returns:
            The structure, and how genes and knowledge met, None where they did not have to.

        Raises:
            KgnnError: If it is another kind of knowledge.
            AlignmentError: If samples and knowledge do not fit.
        """
        chosen = {**self.compiling, **choices}
        if self.compiler is not None and not isinstance(knowledge, Structure):
            return self.compiler(knowledge, samples, chosen)
        return COMPILERS[self.knowledge](self.card.name, knowledge, samples, chosen)

    @property
    def default_version(self) -> str:
        """The version that is used where none is named."""
        return next(iter(self.card.versions))

    def describe(self) -> str:
        """The card as text."""
        card = self.card
        lines = [f"{card.name} ({card.year}, doi:{card.doi})", card.title, f"brings: {card.inputs}", "versions:"]
        lines += [f"  {name:<10} {meaning}" for name, meaning in card.versions.items()]
        lines += ["differs from the paper:", *(f"  - {each}" for each in card.differs)]
        return "\n".join([*lines, f"options (--set): {', '.join(self.options)}"])

    def config(self, version: str = "") -> TrainConfig:
        """Training settings of a version.

        Args:
            version: Its name; the default version where empty.

        Returns:
            The settings.

        Raises:
            KgnnError: If there is no such version.
        """
        version = version or self.default_version
        if version not in self.configs:
            raise unknown_choice(f"version of {self.card.name}", version, self.configs)
        return self.configs[version]


def choose_version(name: str, version: str, known: Mapping[str, Any]) -> Any:
    """The settings of a version of a recipe, or an error that lists the versions."""
    if version not in known:
        raise unknown_choice(f"version of {name}", version, known)
    return known[version]
