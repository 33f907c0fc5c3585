import sys
from typing import Any

import pytest

from kgnn.errors import KgnnError
from kgnn.plot import hierarchy_sunburst
from kgnn.plot.hierarchy import UNRANKED, hierarchy_view, shown_parents

from .conftest import OUTPUTS


def first_trace(*arguments, **settings) -> Any:
    return next(iter(hierarchy_sunburst(*arguments, **settings).data))


def test_each_term_stands_under_its_smallest_parent(hierarchy):
    assert hierarchy.n_genes_of_term.tolist() == [2, 1, 3, 5, 7]
    assert shown_parents(hierarchy).tolist() == [2, 3, 4, 4, -1]


@pytest.mark.parametrize("kind", ["icicle", "sunburst"])
def test_every_term_is_shown_once(hierarchy, ranking, kind):
    trace = first_trace(hierarchy, ranking, kind)
    assert trace.type == kind
    assert trace.ids == hierarchy.terms
    assert trace.parents == ("GO:2", "GO:3", "ROOT", "ROOT", "")
    assert trace.values == pytest.approx([2**0.5, 1, 1, 2**0.5, 1])


def test_boxes_tell_genes_and_further_parents_and_escape_names(hierarchy, ranking):
    trace = first_trace(hierarchy, ranking)
    assert "<script>" not in "".join(trace.hovertext + trace.labels + trace.text)
    assert "level 0, 2 genes: TP53, CD79A<br>also under: B cell activation" in trace.hovertext[0]
    assert trace.customdata[3] == ("importance <b>0.9</b> for B (CD19+) (rank 1)<br>null 0.1 ± 0.05, p 0.01, q 0.01")
    assert "T/&lt;NK&gt; &amp; $x_1$" in trace.customdata[0]


def test_colors_follow_one_output_and_gray_is_not_ranked(hierarchy, ranking):
    view = hierarchy_view(hierarchy, ranking, OUTPUTS[2])
    assert view.colors[1] == UNRANKED
    assert view.notes[1] == "not ranked"
    assert len(set(view.colors)) == 5
    assert view.low < view.high
    assert hierarchy_view(hierarchy, None).colors == [UNRANKED] * 5


def test_large_hierarchies_start_shallow(hierarchy, ranking):
    assert first_trace(hierarchy, ranking).maxdepth == -1
    assert first_trace(hierarchy, ranking, maxdepth=2).maxdepth == 2


def test_unknown_kind(hierarchy):
    with pytest.raises(KgnnError, match=r"kind is 'tree', which is not known\. Choose one of: icicle, sunburst"):
        hierarchy_sunburst(hierarchy, None, "tree")


def test_a_missing_package_names_its_extra(hierarchy, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(KgnnError, match=r"needs plotly.*pip install 'kgnn\[plot\]'"):
        hierarchy_sunburst(hierarchy)
