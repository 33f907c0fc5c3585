import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from kgnn.errors import KgnnError
from kgnn.plot import report
from kgnn.plot.page import as_json, linked, number

from .conftest import EVIL, OUTPUTS, make_effects, make_hierarchy, make_metrics, make_ranking, make_run

HEADINGS = [
    "Scores beside baselines",
    "Learning curve",
    "What was trained on what",
    "The hierarchy",
    "Top subsystems",
    "Virtual knockdowns",
    "Settings, versions, seed",
]


class Page(HTMLParser):
    """Elements, texts and whatever a browser would load."""

    LOADING = frozenset({"src", "srcset", "data", "poster", "background", "action"})

    def __init__(self, text: str):
        super().__init__()
        self.loaded: list[str] = []
        self.headings: list[str] = []
        self.scripts: list[str] = []
        self.tags: list[str] = []
        self.data: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in self.LOADING]
        self.loaded += [value or "" for name, value in attrs if tag == "link" and name == "href"]

    def handle_data(self, data):
        if self.tags[-1:] == ["h2"]:
            self.headings += [data] if data.strip() else []
        if self.tags[-1:] == ["script"]:
            self.scripts.append(data)
        else:
            self.data.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.data)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Page:
    hierarchy = make_hierarchy()
    run = make_run(hierarchy, make_metrics())
    wanted = tmp_path_factory.mktemp("page") / "new" / "report.html"
    path = report(run, wanted, effects=make_effects(hierarchy), ranking=make_ranking(hierarchy))  # type: ignore[arg-type]
    assert path == wanted
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]
    return Page(path.read_text(encoding="utf-8"))


def test_sections_come_in_order(page):
    assert page.headings == HEADINGS


def test_nothing_is_loaded_from_elsewhere(page, run, tmp_path):
    assert page.loaded
    assert all(value.startswith("data:image/svg+xml;base64,") for value in page.loaded)
    text = report(run, tmp_path / "r.html", compute=False).read_text(encoding="utf-8")
    outside = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"@import|url\(", outside)
    assert "default-src 'none'" in outside
    assert outside.count("https://") == 1  # the link to the citation


def test_names_are_escaped_everywhere(page):
    assert page.tags.count("script") == 2 + 1 + 2  # plotly and ours, the hierarchy, two tables
    assert "b" not in page.tags
    assert "i" not in page.tags
    for text in (
        EVIL,
        "go<1>.obo",
        "mine & yours.txt",
        "pruned <hard>",
        "no annotation <here>",
        "<i>fast</i>",
        "2,113",
    ):
        assert text in page.text


def test_data_inside_the_page_can_be_read_back(page, hierarchy):
    values = [json.loads(script) for script in page.scripts if script.startswith(("[", "{"))]
    shape, subsystems, knockdowns = values
    assert shape["extra"]["kind"] == "icicle"
    assert shape["extra"]["names"] == list(hierarchy.term_names)
    assert shape["extra"]["parents"] == [2, 3, 4, 4, -1]
    assert list(shape["extra"]["views"]) == ["largest over all outputs", *OUTPUTS]
    assert shape["figure"]["data"][0]["ids"] == list(hierarchy.terms)
    assert len(subsystems) == 14
    first = next(row for row in subsystems if row[1] == "B cell activation")
    assert first == ["1", "B cell activation", OUTPUTS[0], "0.9", "0.1", "0.01", "0.01", "5", first[8], "GO:3"]
    assert first[8].startswith("CD79A, ")  # the gene with the strongest knockdown
    assert knockdowns[0][:5] == ["CD79A", "gene", OUTPUTS[0], "-0.4", "0.02"]
    assert knockdowns[0][-1] == "B cell activation; process"


def test_what_was_not_computed_is_said_with_the_call_that_computes_it(run, tmp_path):
    page = Page(report(run, tmp_path / "r.html", compute=False).read_text(encoding="utf-8"))
    assert page.headings == HEADINGS
    assert "ranking = kgnn.importance(run, measure='rlipp')" in page.text
    assert "effects = kgnn.knockdown(run, genes='all')" in page.text


def test_a_ranking_without_null_says_no_null(run, ranking, tmp_path):
    ranking[["null_mean", "null_sd", "p_value", "q_value"]] = np.nan
    page = Page(report(run, tmp_path / "r.html", ranking=ranking, compute=False).read_text(encoding="utf-8"))
    assert "No null was computed" in page.text
    assert "no null" in page.text


def test_a_run_with_hardly_any_record(run, tmp_path):
    bare = replace(run, alignment=None, history=run.history[:0], provenance=type(run.provenance)())
    bare.metrics = {"score": "accuracy", "task": "classes", "model": {"train": {"accuracy": 0.5}}}
    page = Page(report(bare, tmp_path / "r.html", compute=False, title="<mine>").read_text(encoding="utf-8"))
    for text in (
        "<mine>",
        "No source was recorded",
        "No alignment was recorded",
        "no history",
        "No baseline was scored",
    ):
        assert text in page.text


def test_pairs_show_their_epistasis(run, effects, tmp_path):
    effects.loc[effects["perturbation"] == "LYZ", ["perturbation", "kind", "epistasis"]] = ["LYZ+GNLY", "pair", 0.125]
    page = Page(report(run, tmp_path / "r.html", effects=effects, compute=False).read_text(encoding="utf-8"))
    assert "Epistasis" in page.text
    assert "+0.125" in page.text


def test_a_failed_report_leaves_the_old_one(run, effects, tmp_path):
    path = tmp_path / "r.html"
    path.write_text("old")
    with pytest.raises(KgnnError, match="lacks 1 columns: dose"):
        report(run, path, effects=effects.drop(columns="dose"), compute=False)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_kind_and_missing_package(run, tmp_path, monkeypatch):
    with pytest.raises(KgnnError, match="kind is 'tree'"):
        report(run, tmp_path / "r.html", compute=False, kind="tree")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(KgnnError, match=r"needs matplotlib.*pip install 'kgnn\[plot\]'"):
        report(run, tmp_path / "r.html", compute=False)


def test_importing_the_room_loads_no_plotting_library():
    code = "import sys, kgnn.plot; sys.exit(any(name in sys.modules for name in ('matplotlib', 'plotly', 'pandas')))"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_json_cannot_end_its_script():
    assert as_json(["</script>"]) == '["\\u003c/script>"]'
    assert json.loads(as_json(["</script> é"])) == ["</script> é"]


def test_citations_become_links():
    assert linked("see <1> doi:10.1093/nar/gky1055.") == (
        'see &lt;1&gt; <a href="https://doi.org/10.1093/nar/gky1055">doi:10.1093/nar/gky1055</a>.'
    )
    assert linked("at https://doi.org/10.1038/75556.") == (
        'at <a href="https://doi.org/10.1038/75556">https://doi.org/10.1038/75556</a>.'
    )
    assert linked("A & B 2019") == "A &amp; B 2019"


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [(None, False, "–"), (float("inf"), False, "–"), (7.0, True, "+7"), (0.5, True, "+0.5"), (2e-7, False, "2.00e-07")],
)
def test_numbers(value, sign, text):
    assert number(value, sign=sign) == text


def test_replicates_show_their_intervals(run, effects, ranking, tmp_path):
    summary = {"each": [0.6, 0.7, 0.74], "mean": 0.68, "sd": 0.07, "low": 0.5, "high": 0.86}
    run.metrics["replicates"] = {"test": {"accuracy": summary}}
    shared = {"n_replicates": 3, "same_sign": 2}
    effects = effects.assign(effect_low=effects["effect"] - 1, effect_high=effects["effect"] + 1, **shared)
    ranking = ranking.assign(importance_low=0.25, importance_high=0.75, **shared)
    text = report(run, tmp_path / "r.html", effects=effects, ranking=ranking).read_text()
    assert "its networks, each by itself" in text
    assert '<span title="mean and 95 % t-interval over 3 networks, sd 0.07">0.680 ± 0.18</span>' in text
    assert text.count("networks of 3 that agree in sign") == 2
    assert "95 % over 3 networks: 0.25 to 0.75" in text
    plain = report(run, tmp_path / "p.html", effects=effects.drop(columns=["effect_low"]), compute=False).read_text()
    assert "agree in sign" not in plain
