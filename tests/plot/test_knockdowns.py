import numpy as np
import pandas as pd
import pytest

from kgnn.errors import KgnnError
from kgnn.plot import knockdown_heatmap, knockdown_volcano
from kgnn.plot.knockdowns import _consistency
from kgnn.plot.selection import output_effects

from .conftest import OUTPUTS


def drawn(figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def test_heatmap_is_centred_on_zero(effects):
    figure = knockdown_heatmap(effects)
    image = figure.axes[0].images[0]
    assert drawn(figure).shape == (7, 3)
    low, high = image.get_clim()
    assert low is not None
    assert low == -high
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == list(OUTPUTS)


def test_heatmap_keeps_the_strongest_and_groups_them_by_output(effects):
    figure = knockdown_heatmap(effects, 2)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[0] == "CD79A"
    assert drawn(figure)[0, 0] == -0.4
    assert figure.get_supxlabel() == "the 2 strongest of 7 perturbations"


def test_heatmap_scales_outputs_in_different_units_for_themselves(effects):
    effects.loc[effects["name"] == OUTPUTS[2], "unit"] = "days"
    effects.loc[effects["name"] == OUTPUTS[2], "effect"] *= 1000
    figure = knockdown_heatmap(effects)
    np.testing.assert_allclose(np.abs(drawn(figure)).max(axis=0), [1, 1, 1])


def test_heatmap_of_no_effect_at_all(effects):
    effects["effect"] = 0.0
    assert (drawn(knockdown_heatmap(effects)) == 0).all()


def test_the_largest_dose_is_shown_unless_one_is_given(effects):
    half = effects.assign(dose=0.5, effect=effects["effect"] / 2)
    both = pd.concat([half, effects], ignore_index=True)
    assert len(output_effects(both)) == 21
    assert drawn(knockdown_heatmap(both, 1))[0, 0] == -0.4
    assert drawn(knockdown_heatmap(both, 1, dose=0.5))[0, 0] == -0.2
    with pytest.raises(KgnnError, match=r"dose 0\.7 is not in the effects\. Choose one that they have: 0\.5, 1\.0"):
        knockdown_heatmap(both, dose=0.7)


def test_categories_are_as_good_as_texts(effects):
    narrow = effects.astype({"perturbation": "category", "name": "category", "target": "category"})
    np.testing.assert_array_equal(drawn(knockdown_heatmap(narrow)), drawn(knockdown_heatmap(effects)))


def test_consistency_is_effect_over_its_standard_error():
    table = pd.DataFrame({"effect": [-0.4, 0.3, 0.0], "effect_sd": [0.2, 0.0, 0.0], "n_samples": [25, 25, 25]})
    height, at_top = _consistency(table)
    np.testing.assert_allclose(height, [10.0, 11.0, 0.0])
    assert at_top.tolist() == [False, True, False]


def test_volcano_names_the_most_extreme_without_overlap(effects):
    figure = knockdown_volcano(effects, OUTPUTS[0])
    panel = figure.axes[0]
    assert panel.texts[0].get_text() == "CD79A"
    boxes = [text.get_window_extent() for text in panel.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    frame = panel.get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)
    assert panel.get_xlabel() == "mean change of the prediction (probability)"
    assert panel.get_ylabel() == "|mean change| / (sd / √n) over 11 samples"


def test_a_crowd_of_equal_points_gets_only_the_names_that_fit():
    crowd = pd.DataFrame(
        {
            "perturbation": [f"GENE_{i}" for i in range(300)],
            "kind": "gene",
            "dose": 1.0,
            "target": "output",
            "name": "AUC",
            "label": "AUC",
            "effect": np.linspace(0.1, 0.1001, 300),
            "effect_sd": 0.1,
            "n_samples": 9,
            "unit": "AUC",
        }
    )
    panel = knockdown_volcano(crowd, n_labels=300).axes[0]
    boxes = [text.get_window_extent() for text in panel.texts]
    assert 0 < len(boxes) < 300
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_volcano_over_all_outputs_names_the_output(effects):
    panel = knockdown_volcano(effects).axes[0]
    assert panel.texts[0].get_text() == f"CD79A → {OUTPUTS[0]}"
    assert sum(len(dots.get_offsets()) for dots in panel.collections) == 21


def test_effects_that_do_not_fit(effects):
    with pytest.raises(KgnnError, match="output 'AUC' is not in the effects. They have 3: B"):
        knockdown_volcano(effects, "AUC")
    with pytest.raises(KgnnError, match="hold no output, only subsystems"):
        knockdown_heatmap(effects[effects["target"] == "subsystem"])
    with pytest.raises(KgnnError, match=r"lacks 2 columns: dose, unit\. Pass the table that kgnn\.knockdown"):
        knockdown_heatmap(effects.drop(columns=["dose", "unit"]))
    with pytest.raises(KgnnError, match="has no rows"):
        knockdown_volcano(effects[:0])


def test_replicates_put_effects_that_may_be_none_in_brackets(effects):
    half = np.where(effects["effect"].abs() > 0.1, 0.05, 0.2)
    known = effects.assign(effect_low=effects["effect"] - half, effect_high=effects["effect"] + half, n_replicates=6)
    figure = knockdown_heatmap(known)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert [text for text in texts if not text.startswith("(")] == ["-0.400"]
    assert len(texts) > 15
    assert figure.get_supxlabel() == "in brackets: 95 % interval over 6 networks includes 0"
    assert not any("(" in text.get_text() for text in knockdown_heatmap(effects).axes[0].texts)
    both = knockdown_heatmap(known, 2).get_supxlabel().split("\n")
    assert both == ["the 2 strongest of 7 perturbations", "in brackets: 95 % interval over 6 networks includes 0"]


def test_volcano_of_replicates_has_a_line_through_every_point(effects):
    known = effects.assign(effect_low=effects["effect"] - 0.02, effect_high=effects["effect"] + 0.01, n_replicates=6)
    figure = knockdown_volcano(known, OUTPUTS[0])
    [lines] = [each for each in figure.axes[0].collections if np.ravel(each.get_linewidth())[0] == pytest.approx(0.7)]
    effect = output_effects(effects, output=OUTPUTS[0])["effect"].to_numpy()
    np.testing.assert_allclose(
        [each[:, 0] for each in lines.get_segments()], np.stack([effect - 0.02, effect + 0.01], 1)
    )
    assert figure.get_supxlabel() == "line: 95 % interval over 6 networks"
    assert knockdown_volcano(effects).get_supxlabel() == ""
