"""`Recipe` and `Card`: what a published system is made of, and what the user should know about it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from flax import nnx

from kgnn.data.measured import MEANINGS, TARGET_KINDS
from kgnn.data.samples import Samples
from kgnn.errors import unknown_choice
from kgnn.models import Model
from kgnn.structure import Structure
from kgnn.train import TrainConfig
from kgnn.train.baselines import BASELINES
from kgnn.zoo.compile_knowledge import COMPILERS, Alignments

M = TypeVar("M", bound=Model)


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
class Recipe(Generic[M]):
    """A published system: a model in several versions, each with its training settings, and a card.

    A recipe is called like a class of models: ``kgnn.zoo.dcell(hierarchy, rngs=nnx.Rngs(0), version="paper")``.

    Attributes:
        card: The card.
        model: Class of the model, or a function that is called like one.
        settings: Of the model, by version: its ``settings``, a mapping of other arguments, or a pair of both.
        configs: Training settings by version.
        options: Names of what ``--set`` may change in the model, with their types, or what makes a value of a text.
        implied: Settings of training that some options want, where these are not given: of the options, the settings.
        modalities: Tables that the samples must have; the first holds the genes. A last ``"..."`` stands for any
            number of further ones.
        leave_out: Covariates whose groups are also left out whole, in further fits beside the main one.
        knowledge: What it is compiled from: ``"ontology"``, ``"network"``, ``"motifs"`` or ``"contacts"``.
        compiling: Arguments of `compile_hierarchy`, `compile_adjacency` or `compile_kernels` that it wants in place of
            their defaults.
        compiling_version: The same by version, where a version differs.
        compiler: What compiles the knowledge in their place, where the recipe needs something else: of knowledge,
            samples and arguments by name, returns the structure and an alignment or None.
        tasks: Kinds of targets that it predicts.
        meanings: What the values of the first table may mean for the recipe to mean something, see `Modality`.
        from_samples: Further arguments of the model that the samples decide.
        from_inputs: Further ones that the inputs of all parts decide, such as the features of the nodes of a graph,
            whether they train or not; it is given samples without targets.
        stages: Versions that start from a fitted model of another version, see `kgnn.train.FirstStage`.
        prepare: What becomes of the samples of every part once the structure is known, such as targets that are their
            own genes.
        baselines: Those that mean something, see `kgnn.fit`.
    """

    card: Card
    model: Callable[..., M]
    settings: Mapping[str, Any]
    configs: Mapping[str, TrainConfig]
    options: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    implied: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    modalities: tuple[str, ...] = ("gene",)
    leave_out: tuple[str, ...] = ()
    knowledge: str = "ontology"
    compiling: Mapping[str, Any] = field(default_factory=dict)
    compiling_version: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    compiler: Callable[[Any, Samples, Mapping[str, Any]], tuple[Structure, Alignments | None]] | None = None
    tasks: tuple[str, ...] = TARGET_KINDS
    meanings: tuple[str, ...] = MEANINGS
    from_samples: Callable[[Samples], Mapping[str, Any]] | None = None
    from_inputs: Callable[[Sequence[Samples]], Mapping[str, Any]] | None = None
    stages: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Samples, Structure], Samples] | None = None
    baselines: tuple[str, ...] = BASELINES

    def __call__(
        self,
        structure: Structure,
        *,
        rngs: nnx.Rngs,
        version: str = "",
        outputs: int | Sequence[str] = 1,
        task: str = "",
        **changed: Any,
    ) -> M:
        """The model of a version, untrained; `config` has what to train it with.

        Args:
            structure: The compiled hierarchy, network or motifs.
            rngs: Streams ``params`` and ``dropout``.
            version: Its name; the default version where empty.
            outputs: Names of the outputs or classes, or their number.
            task: ``"regression"``, ``"classes"`` or ``"labels"``; the first of `tasks` where empty.
            **changed: Arguments of the model, or fields of its settings, to replace.

        Returns:
            The model.

        Raises:
            KgnnError: If the version, the task or a name to replace is unknown.
        """
        settings, others = self._settings(version or self.default_version)
        self._require_known(changed, {*getattr(settings, "_fields", ()), *others})
        fields = {name for name in changed if name not in others and name in getattr(settings, "_fields", ())}
        if settings is not None:
            others["settings"] = settings._replace(**{name: changed[name] for name in fields})
        others |= {name: value for name, value in changed.items() if name not in fields}
        task = task or self.tasks[0]
        if task not in self.tasks:
            raise unknown_choice(f"task of {self.card.name}", task, self.tasks)
        if len(self.tasks) > 1:
            others["task"] = task
        return self.model(structure, outputs=outputs, rngs=rngs, **others)

    def _settings(self, version: str) -> tuple[Any, dict[str, Any]]:
        """Settings of the model in a version, None where it has none, and its other arguments."""
        if version not in self.settings:
            raise unknown_choice(f"version of {self.card.name}", version, self.settings)
        found = self.settings[version]
        if isinstance(found, Mapping):
            return None, dict(found)
        return (found, {}) if hasattr(found, "_fields") else (found[0], dict(found[1]))

    def _require_known(self, changed: Iterable[str], of_version: set[str]) -> None:
        """Refuse to replace what neither the settings of the version nor the model have."""
        of_model = self.model.__init__ if isinstance(self.model, type) else self.model
        known = {*of_version, *self.options, *inspect.signature(of_model).parameters} - {"self", "settings"}
        unknown = [name for name in changed if name not in known]
        if unknown:
            raise unknown_choice(f"option of {self.card.name}", unknown[0], known)

    def compile(
        self, knowledge: Any, samples: Samples, *, version: str = "", **choices: Any
    ) -> tuple[Structure, Alignments | None]:
        """Compile knowledge for a model over the features of some samples.

        Args:
            knowledge: An `Ontology`, `Network` or `MotifSet`, as `knowledge` says; or what was compiled from one.
            samples: Give the genes.
            version: Its name; the default version where empty.
            **choices: Arguments of the function that compiles it; they come before those of `compiling`.

        Returns:
            The structure, and how genes and knowledge met, None where they did not have to.

        Raises:
            KgnnError: If it is another kind of knowledge.
            AlignmentError: If samples and knowledge do not fit.
        """
        chosen = {**self.compiling, **self.compiling_version.get(version or self.default_version, {}), **choices}
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
        lines = [f"{card.name} ({card.year}, doi:{card.doi})", card.title, f"takes: {card.inputs}", "versions:"]
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
