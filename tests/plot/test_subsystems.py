import numpy as np
import pytest
from matplotlib.colors import same_color

from kgnn.errors import KgnnError
from kgnn.plot import subsystem_response, top_subsystems
from kgnn.plot.canvas import BLUE, QUIET, to_svg
from kgnn.plot.selection import ranked_terms

from .conftest import OUTPUTS


def widths(panel) -> list[float]:
    return [bar.get_width() for bar in panel.patches]


def labels(figure) -> list[str]:
    return [label.get_text().replace("\n", " ") for label in figure.axes[0].get_yticklabels()]


def test_one_output_is_ranked_by_rank(ranking):
    figure = top_subsystems(ranking, 3, output=OUTPUTS[0])
    assert labels(figure) == ["B cell activation", "process", "cell cycle"]
    assert widths(figure.axes[0]) == [0.9, 0.4, 0.3]
    assert figure.axes[0].get_title(loc="left") == f"Top 3 of 5 subsystems for {OUTPUTS[0]}"


def test_several_outputs_name_each_subsystem_once(ranking):
    found = ranked_terms(ranking)
    assert list(found["term"]) == ["GO:3", "GO:0", "ROOT", "GO:2", "R_1(+)"]
    assert list(found["output"][:2]) == [OUTPUTS[0], OUTPUTS[1]]
    assert labels(top_subsystems(ranking))[0] == f"B cell activation · {OUTPUTS[0]}"


def test_filled_bars_passed_the_null(ranking):
    bars = top_subsystems(ranking, output=OUTPUTS[0]).axes[0].patches
    filled = [same_color(bar.get_facecolor(), BLUE) for bar in bars]
    assert filled == [True, True, False, False, False]  # q 0.01, 0.04, 0.06, 0.2, 0.9


def test_without_a_null_the_picture_says_so(ranking):
    ranking[["null_mean", "null_sd", "p_value", "q_value"]] = np.nan
    figure = top_subsystems(ranking, output=OUTPUTS[0])
    assert all(same_color(bar.get_facecolor(), QUIET) for bar in figure.axes[0].patches)
    assert "no null" in figure.get_supxlabel()
    assert "orange" not in figure.get_supxlabel()


def test_names_are_drawn_as_they_are(ranking):
    # A pair of dollar signs is not a formula, and a letter without a shape in the font is no error.
    ranking.loc[0, "name"] = "cost $x_{1$ and $ 細胞"
    assert to_svg(top_subsystems(ranking)).startswith("<svg")


def test_the_same_figure_gives_the_same_svg(ranking):
    assert to_svg(top_subsystems(ranking)) == to_svg(top_subsystems(ranking))


def test_rankings_that_do_not_fit(ranking):
    with pytest.raises(KgnnError, match=r"output 'C' is not in the ranking\. It has 3: B \(CD19\+\)"):
        top_subsystems(ranking, output="C")
    with pytest.raises(KgnnError, match="lacks 1 columns: q_value"):
        top_subsystems(ranking.drop(columns="q_value"))
    ranking.loc[0, "measure"] = "knockdown"
    with pytest.raises(KgnnError, match="mixes 2 measures that share no unit: knockdown, rlipp"):
        top_subsystems(ranking)


def test_response_shows_moved_subsystems_only(effects):
    figure = subsystem_response(effects, "CD79A")
    assert labels(figure) == ["B cell activation", "process"]
    assert widths(figure.axes[0]) == [0.5, 0.1]
    assert figure.axes[0].get_title(loc="left") == "CD79A moves 2 of 5 subsystems; the top 2"
    assert "over 11 samples, dose 1" in figure.axes[0].get_xlabel()


def test_response_of_an_unknown_perturbation(effects):
    with pytest.raises(
        KgnnError, match=r"'CD3D' has no effect .* 7 perturbations: TP53, CD79A, MS4A1, LYZ, GNLY and 2"
    ):
        subsystem_response(effects, "CD3D")


def test_replicates_have_a_line_from_end_to_end_of_the_interval(ranking, effects):
    assert "networks" not in top_subsystems(ranking).get_supxlabel()
    shown = ranking.assign(importance_low=ranking["importance"] - 0.1, importance_high=ranking["importance"] + 0.2)
    figure = top_subsystems(shown.assign(n_replicates=7, same_sign=6), 3, output=OUTPUTS[0])
    [lines] = [each for each in figure.axes[0].collections if np.ravel(each.get_linewidth())[0] == pytest.approx(1.1)]
    ends = [(segment[0, 0], segment[1, 0]) for segment in lines.get_segments()]
    np.testing.assert_allclose(ends, [(0.8, 1.1), (0.3, 0.6), (0.2, 0.5)])
    assert figure.get_supxlabel().endswith("line: 95 % interval over 7 networks")
    moved = effects.assign(effect_low=effects["effect"] * 0.5, effect_high=effects["effect"] * 2, n_replicates=4)
    figure = subsystem_response(moved, "CD79A")
    [lines] = [each for each in figure.axes[0].collections if len(each.get_segments()) == 2]
    np.testing.assert_allclose([each[:, 0] for each in lines.get_segments()], [(0.25, 1.0), (0.05, 0.2)])
    assert figure.get_supxlabel() == "line: 95 % interval over 4 networks"
    assert subsystem_response(effects, "CD79A").get_supxlabel() == ""
