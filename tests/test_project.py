"""The project around the code: packaging, pinned versions, documentation, and what an import may cost."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kgnn

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TESTED_EXTRAS = ("demo", "dev", "docs", "notebooks")
# The name to import, where it differs from the name to install.
IMPORT_NAMES = {"pybigwig": "pyBigWig", "scikit-learn": "sklearn"}
HEAVY = ("Bio", "anndata", "goatools", "matplotlib", "obonet", "pandas", "plotly", "pyarrow", "pyjaspar", "scanpy")
HEAVY += ("cooler", "mudata", "sklearn")


def requirements(*extras: str) -> dict[str, Requirement]:
    """Core dependencies and those of extras, extras of kgnn itself resolved."""
    found: dict[str, Requirement] = {}
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    for requirement in map(Requirement, lines):
        if requirement.name == "kgnn":
            found |= requirements(*requirement.extras)
        else:
            found[canonicalize_name(requirement.name)] = requirement
    return found


def module_names() -> list[str]:
    """Every public module of kgnn, the package itself first."""
    found = pkgutil.walk_packages(kgnn.__path__, "kgnn.")
    return ["kgnn", *(module.name for module in found if "._" not in module.name)]


def public_names(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Functions, classes and their methods that a module defines itself, by qualified name."""
    for name, member in vars(module).items():
        own = getattr(member, "__module__", None) == module.__name__ and getattr(member, "__name__", None) == name
        if name.startswith("_") or not own or not callable(member):
            continue
        yield f"{module.__name__}.{name}", member
        if not inspect.isclass(member):
            continue
        for method_name, raw in vars(member).items():
            method = getattr(raw, "fget", None) or getattr(raw, "func", None) or getattr(raw, "__func__", raw)
            if inspect.isfunction(method) and not method_name.startswith("_") and method.__module__ == module.__name__:
                yield f"{module.__name__}.{name}.{method_name}", method


def all_public_names() -> list[tuple[str, object]]:
    return [found for name in module_names() for found in public_names(importlib.import_module(name))]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def loaded_after(statement: str) -> set[str]:
    """Top-level packages in `sys.modules` of a fresh interpreter that ran a statement."""
    report = "import sys\nprint(*{name.split('.')[0] for name in sys.modules})"
    finished = run(sys.executable, "-c", f"{statement}\n{report}")
    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


# --- versions


def constraints() -> list[Requirement]:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_constraints_hold_names_and_versions_only():
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = re.compile(r'[a-z0-9-]+==[0-9][a-z0-9.]*( ; python_version (<|>=) "3\.12")?')
    assert [line for line in lines if not line.startswith("#") and not pinned.fullmatch(line)] == []


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_every_dependency_is_pinned_once_to_a_version_that_pyproject_allows(python: str):
    environment = {**default_environment(), "python_version": python}
    pins = [pin for pin in constraints() if pin.marker is None or pin.marker.evaluate(environment)]
    names = [pin.name for pin in pins]
    assert [name for name in names if names.count(name) > 1] == []
    versions = {pin.name: next(iter(pin.specifier)).version for pin in pins}
    wanted = requirements(*TESTED_EXTRAS)
    assert sorted(wanted.keys() - versions.keys()) == []
    wrong = [name for name, wish in wanted.items() if not wish.specifier.contains(versions[name], prereleases=True)]
    assert wrong == []


def test_the_version_is_the_installed_one():
    assert importlib.import_module("importlib.metadata").version("kgnn") == PROJECT["version"]


# --- imports


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def test_kgnn_imports_only_what_it_declares():
    used = set[str]()
    for file in (REPOSITORY / "kgnn").rglob("*.py"):
        used |= set(imported(ast.parse(file.read_text(encoding="utf-8"))))
    extras = ("demo", "genome", "multimodal", "parquet", "plot")
    declared = {IMPORT_NAMES.get(name, name) for name in requirements(*extras)}
    assert sorted(used - declared - sys.stdlib_module_names - {"__future__", "kgnn", "jaxlib"}) == []


def test_one_module_alone_imports_jraph():
    files = (REPOSITORY / "kgnn").rglob("*.py")
    found = [file for file in files if "jraph" in imported(ast.parse(file.read_text(encoding="utf-8")))]
    assert found == [REPOSITORY / "kgnn" / "layers" / "graphs.py"]


def test_knowledge_and_structure_load_no_jax():
    rooms = "import kgnn, kgnn.errors, kgnn.knowledge, kgnn.structure"
    assert sorted(loaded_after(rooms) & {"flax", "jax", "jraph", "optax"}) == []


def test_no_room_loads_a_heavy_library_when_imported():
    rooms = f"import {', '.join(module_names())}"
    assert sorted(loaded_after(rooms) & set(HEAVY)) == []


# --- documentation


def test_every_module_and_public_name_is_documented():
    modules = [name for name in module_names() if not importlib.import_module(name).__doc__]
    assert modules + [name for name, member in all_public_names() if not inspect.getdoc(member)] == []


def test_every_name_offered_by_kgnn_exists_and_is_documented():
    offered = {name: getattr(kgnn, name) for name in dir(kgnn) if not name.startswith("_")}
    silent = [name for name, member in offered.items() if callable(member) and not inspect.getdoc(member)]
    assert silent == []


def test_every_room_has_a_page_in_the_navigation():
    rooms = {name.split(".")[1] for name in module_names() if name != "kgnn"}
    pages = {page.stem for page in (REPOSITORY / "docs" / "api").glob("*.md")}
    listed = set(re.findall(r"api/(\w+)\.md", (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")))
    assert (sorted(rooms - pages), sorted(pages ^ listed)) == ([], [])


def test_documentation_builds_without_a_warning_and_shows_every_public_name(tmp_path: Path):
    pytest.importorskip("mkdocs", reason="the docs extra is not installed")
    built = run(sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site"))
    assert built.returncode == 0, built.stderr
    pages = "".join(page.read_text(encoding="utf-8") for page in (tmp_path / "site" / "api").glob("*.html"))
    shown = set(re.findall(r'\bid="(kgnn[^"]*)"', pages))
    assert [name for name, _ in all_public_names() if name not in shown] == []
    assert "math::" not in pages


# --- the package and the commands


def test_a_wheel_carries_the_ontologies(tmp_path: Path):
    pytest.importorskip("hatchling")
    built = run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("kgnn-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    folder = REPOSITORY / "ontologies"
    bundled = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert bundled
    assert {f"kgnn/_ontologies/{name}" for name in bundled} - names == set()
    assert "kgnn/cli/__init__.py" in names


def test_make_help_names_every_target():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shown = run("make", "--no-print-directory", "help")
    targets = re.findall(r"^  (\w+)", shown.stdout, flags=re.M)
    assert targets == ["help", "demo", "test", "lint", "docs", "bench", "clean"]


def test_continuous_integration_runs_the_commands_of_the_readme():
    script = REPOSITORY / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-2:] == ["make test", "make lint"]


def test_no_work_is_left_lying_in_the_library():
    left = re.compile(r"TODO|FIXME|NotImplemented")
    files = (REPOSITORY / "kgnn").rglob("*.py")
    assert [str(file) for file in files if left.search(file.read_text(encoding="utf-8"))] == []
