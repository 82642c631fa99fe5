from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imbench.report.canvas import save_png
from imbench.report.made_rows import figure_made_rows
from imbench.report.plots import (
    figure_class_distribution,
    figure_confusion_matrix,
    figure_precision_recall,
    figure_roc,
    figure_training_curve,
    figures,
)
from tests.factories import make_cell

pytestmark = pytest.mark.slow

HISTORY = np.column_stack([np.linspace(1, 0.2, 6), np.linspace(0.4, 0.9, 6)])


@pytest.mark.parametrize("k", [2, 10, 40])
def test_every_figure_is_written_as_png(k, tmp_path):
    names = []
    for name, figure in figures(make_cell("smote", k=k, n=200, history=HISTORY)):
        path = tmp_path / f"{name}.png"
        save_png(figure, path)
        assert path.read_bytes().startswith(b"\x89PNG")
        names.append(name)
    assert names == [
        "confusion_matrix", "precision_recall", "roc", "class_distribution", "training_curve",
    ]  # fmt: skip


def test_models_without_epochs_have_no_training_curve():
    assert "training_curve" not in dict(figures(make_cell("none")))


def test_cells_without_a_finished_fold_have_no_figures():
    assert list(figures(make_cell("x", status="failed", reason="r"))) == []


@pytest.mark.process
def test_pyplot_is_not_loaded():
    code = (
        "import sys; from tests.factories import make_cell; from imbench.report import plots;"
        "list(plots.figures(make_cell())); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_confusion_matrix_shows_the_pooled_counts():
    cell = make_cell("none", k=3)
    axes = figure_confusion_matrix(cell).axes[0]
    y = np.concatenate([f.y_true for f in cell.folds])
    p = np.concatenate([f.y_pred for f in cell.folds])
    expected = [str(((y == i) & (p == j)).sum()) for i in range(3) for j in range(3)]
    assert [text.get_text() for text in axes.texts] == expected
    assert "folds pooled" in axes.get_title()


def test_binary_curves_are_about_the_minority():
    cell = make_cell("none", minority=0)
    for figure in (figure_precision_recall(cell), figure_roc(cell)):
        labels = figure.axes[0].get_legend_handles_labels()[1]
        assert labels[0].startswith("c0: ")


def test_at_most_ten_curves_of_the_rarest_classes():
    figure = figure_roc(make_cell("none", k=30, n=600))
    assert len(figure.axes[0].get_legend_handles_labels()[1]) == 10
    assert "10 rarest" in figure.axes[0].get_title()


def test_area_in_the_legend_is_that_of_the_pooled_scores():
    from sklearn.metrics import roc_auc_score

    cell = make_cell("none")
    y = np.concatenate([f.y_true for f in cell.folds])
    s = np.concatenate([f.y_score for f in cell.folds])[:, 1]
    label = figure_roc(cell).axes[0].get_legend_handles_labels()[1][0]
    assert label == f"c1: AUC {roc_auc_score(y, s):.3f}"


def test_a_fold_of_one_class_says_that_curves_are_undefined():
    cell = make_cell("none", n_folds=1)
    fold = dataclasses.replace(cell.folds[0], y_true=np.zeros_like(cell.folds[0].y_true))
    figure = figure_roc(dataclasses.replace(cell, folds=(fold,)))
    assert "undefined" in figure.axes[0].texts[0].get_text()


def test_class_distribution_shows_means_before_and_after():
    cell = make_cell("smote")
    heights = [bar.get_height() for bar in figure_class_distribution(cell).axes[0].patches]
    before = np.mean([f.counts_before for f in cell.folds], axis=0)
    assert heights == pytest.approx([*before, 120.0, 120.0])


def test_a_large_ratio_is_drawn_on_a_logarithmic_axis():
    cell = make_cell("none", counts_before=(5000, 20), counts_after=(5000.0, 20.0))
    assert figure_class_distribution(cell).axes[0].get_yscale() == "log"


def test_training_curve_has_a_line_per_fold():
    axes = figure_training_curve(make_cell("none", n_folds=3, history=HISTORY)).axes
    assert [len(a.lines) for a in axes] == [3, 3]
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), HISTORY[:, 0])


def test_a_missing_validation_score_is_labelled():
    history = np.column_stack([np.ones(3), np.full(3, np.nan)])
    axes = figure_training_curve(make_cell("none", history=history)).axes
    assert axes[1].texts[0].get_text() == "none was held out"


def test_odd_names_draw_without_warning(tmp_path):
    cell = make_cell("<b>$x", class_names=("a $5 and $6 \\frac{", "🎉" * 40), dataset="d$")
    for name, figure in figures(cell):
        save_png(figure, tmp_path / f"{name}.png")


def test_scores_that_are_nan_leave_the_other_figures():
    cell = make_cell("none", y_score=np.full((60, 2), np.nan))
    assert "undefined" in figure_roc(cell).axes[0].texts[0].get_text()
    assert figure_confusion_matrix(cell).axes[0].texts


def picture(rows, classes=(1, 2), n=4):
    """Training rows of all classes, then generated rows of some."""
    y = np.concatenate([np.repeat([0, 1, 2], n), np.repeat(classes, n)])
    made = np.arange(len(y)) >= 3 * n
    return {"picture": rows(len(y)), "picture_y": y, "picture_made": made}


def points(n):
    return np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)


def test_made_rows_are_drawn_only_where_a_sampler_shows_some():
    assert "made_rows" not in dict(figures(make_cell("smote", k=3)))
    assert "made_rows" in dict(figures(make_cell("vae", k=3, **picture(points))))


def test_made_points_have_a_panel_per_class():
    shown = picture(points)
    panels = figure_made_rows(make_cell("vae", k=3, n_folds=2, **shown)).axes
    assert [panel.get_title() for panel in panels] == ["class c1", "class c2"]
    for k, panel in zip((1, 2), panels, strict=True):
        own, made = shown["picture_y"] == k, shown["picture_made"]
        expected = [shown["picture"][c] for c in (~own & ~made, own & ~made, own & made)]
        for drawn, rows in zip(panel.collections, expected, strict=True):
            np.testing.assert_array_equal(drawn.get_offsets(), rows)


@pytest.mark.parametrize("channels", [1, 3])
def test_made_images_are_below_training_images_of_their_class(channels):
    images = np.random.default_rng(0).integers(256, size=(20, channels, 4, 5)).astype(np.uint8)
    shown = picture(lambda n: images[:n])
    first, second = figure_made_rows(make_cell("gan", k=3, **shown)).axes
    drawn = first.images[0].get_array()
    assert drawn.shape == (2 * 4 + 1, 4 * 5 + 3, 3)
    np.testing.assert_array_equal(
        drawn[:4, 6:11, 0], images[4 + 1, 0]
    )  # second real row of class 1
    np.testing.assert_array_equal(drawn[5:, :5, -1], images[12, -1])  # its first made row
    assert (drawn[4] == 255).all()
    assert [label.get_text() for label in first.get_yticklabels()] == ["real", "made"]
    assert second.get_title(loc="left") == "class c2"


def test_classes_with_fewer_images_are_padded_with_white():
    shown = picture(lambda n: np.zeros((n, 1, 2, 2), np.uint8), classes=(1, 1))
    keep = np.ones(20, bool)
    keep[5:8] = False  # one real row of class 1 is left, and eight made ones
    cell = make_cell("gan", k=3, **{name: array[keep] for name, array in shown.items()})
    drawn = figure_made_rows(cell).axes[0].images[0].get_array()
    assert drawn.shape[1] == 8 * 3 - 1
    assert (drawn[:2, 2:] == 255).all()


def test_made_rows_with_odd_names_and_many_classes_are_written(tmp_path):
    names = ("a $5 and $6 \\frac{", *("🎉" * 40 + str(k) for k in range(11)))
    y = np.tile(np.arange(12), 2)
    made = np.arange(24) >= 12
    shown = {"picture": points(24), "picture_y": y, "picture_made": made}
    figure = figure_made_rows(make_cell("vae", k=12, n=200, class_names=names, **shown))
    save_png(figure, tmp_path / "x.png")
    assert len(figure.axes) == 10


@pytest.mark.parametrize("name", ["1", "WWWWWWWWWWWWWWWWWWWWW"])
@pytest.mark.parametrize("k", [2, 3, 40])
def test_all_text_of_a_figure_is_inside_of_it(k, name):
    names = tuple(f"{i}{name}" for i in range(k))
    counts = {"counts_before": (123456,) * k, "counts_after": (1.0,) * k}
    trials = {"inner": [0.5], "state": "complete", "value": 0.5, "seconds": 1.0, "reason": ""}
    tuning = {"metric": "f1_macro"}
    cell = make_cell(
        "smote", k=k, n=300, class_names=names, history=HISTORY, **counts,
        trials=({"number": 0, "values": {}, **trials},), config={"tuning": tuning},
    )  # fmt: skip
    drawn = dict(figures(cell))
    assert len(drawn) == 6
    for what, figure in drawn.items():
        figure.canvas.draw()
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert box.x0 >= 0, what
        assert box.y0 >= 0, what
        assert box.x1 <= width, what
        assert box.y1 <= height, what
