"""The report page in a real browser: sort, filter, overlay, colours, print, size."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from imbench.report.page import to_html, write_report
from imbench.report.payload import Extras, build_payload, to_json
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell
from tests.pages import EVIL, address, browser, large_sweep, sweep

OPTIONS = MetricOptions()
FIGURES = (
    "forest", "heat", "ranks", "precision-recall", "roc", "reliability", "costs", "folds", "time",
    "recalls", "classes",
)  # fmt: skip


def letters():
    """Four classes, and a strategy crossed with a decision rule."""
    stages = {
        "none": (),
        "smote": ("resample",),
        "threshold": ("decision",),
        "smote+threshold": ("resample", "decision"),
    }
    cells = [make_cell(s, dataset="letters", k=4, n=200, skill=1 + len(s) / 10) for s in stages]
    return [replace(cell, stages=stages[cell.label]) for cell in cells]


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    cells = [
        *sweep(),
        *sweep("telco"),
        *sweep("telco", model="svm"),
        *sweep("wine"),
        *letters(),
        make_cell(EVIL, skill=3.0, n=200, class_names=("<b>0", 'one"')),
    ]
    commands = {
        cell.run_id: (f"dataset={cell.dataset}", f"strategy={cell.label}") for cell in cells
    }
    extras = Extras(commands, ("Left out: r0-f1.npz fails its checksum.",))
    return write_report(cells, OPTIONS, tmp_path_factory.mktemp("report"), extras)


@contextmanager
def opened_page(chromium, report):
    """The page of `report`, and the list of messages on its console and of requests."""
    size = {"width": 1280, "height": 900}
    context = chromium.new_context(viewport=size, color_scheme="light")
    opened = context.new_page()
    faults: list[str] = []
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda r: faults.append(r.url) if r.url != address(report) else None)
    opened.goto(address(report))
    yield opened, faults
    context.close()


def is_clean(faults):
    return [f for f in faults if not f.startswith(("data:", "blob:"))] == []


@pytest.fixture
def page(chromium, report):
    """A page of its own; a message on its console or a request fails the test."""
    with opened_page(chromium, report) as (opened, faults):
        yield opened
    assert is_clean(faults)


@pytest.fixture(scope="module")
def opened_once(chromium, report):
    with opened_page(chromium, report) as found:
        yield found


@pytest.fixture
def read_page(opened_once):
    """One page for all tests that choose no other rows: figures that are drawn stay."""
    opened, faults = opened_once
    yield opened
    assert is_clean(faults)


def titles(page):
    return page.locator("#board tbody th").all_inner_texts()


def unfold(page, figure):
    """Open the table below a figure."""
    if page.locator(f"#{figure} details").first.get_attribute("open") is None:
        page.locator(f"#{figure} summary").first.click()


def show(page, figure):
    page.locator(f"#{figure}").scroll_into_view_if_needed()
    page.wait_for_selector(f"#{figure} .main-svg")
    return page.locator(f"#{figure}")


def test_verdict_stands_above_the_table(read_page):
    assert read_page.locator("#verdicts li").first.inner_text().startswith("On digits with knn")
    assert "of 5 comparisons at least one" in read_page.locator("#summary").inner_text()
    assert "fails its checksum" in read_page.locator("#problems").inner_text()


def test_names_are_text_and_run_nothing(page):
    assert EVIL in titles(page)
    page.get_by_label(f"Show {EVIL} in the figures").set_checked(True)
    for figure in FIGURES:
        show(page, figure)
    assert page.evaluate("document.querySelectorAll('main script, main b').length") == 0
    page.locator("#confusion").scroll_into_view_if_needed()
    assert EVIL in page.locator("#confusion").inner_text()


def test_rows_sort_by_any_head_and_say_so(page):
    head = page.locator("#board th", has=page.locator("button[data-key=title]"))
    assert page.locator("#board th[aria-sort=descending]").inner_text().startswith("macro F1")
    first = titles(page)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    done = titles(page)[:-2]
    assert done == sorted(done, key=str.lower)
    assert set(titles(page)) == set(first)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert titles(page)[:-2] == done[::-1]
    assert titles(page)[-2:] == ["focal", "broken"]  # skipped and failed stay last
    page.locator("button[data-key=fit_s]").click()
    assert titles(page)[-3] == "threshold"  # the slowest


def test_sorting_keeps_the_keyboard_where_it_was(page):
    page.locator("button[data-key=gain]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.key") == "gain"
    assert titles(page)[-3] == "none"  # without a gain, so below every gain


def test_metric_changes_table_and_words(page):
    page.select_option("#metric", label="Brier score")
    assert "Brier score" in page.locator("#verdicts li").first.inner_text()
    sorted_head = page.locator("#board th[aria-sort=ascending]")
    assert sorted_head.inner_text().startswith("Brier score")
    values = [
        float(text.split(" ")[0]) for text in page.locator("#board td.sorted").all_inner_texts()
    ]
    assert values == sorted(values)
    assert "made about macro F1" in page.locator("#board-notes").inner_text()


def test_filters_of_place_stage_and_name(page):
    page.select_option("#dataset", "")
    page.select_option("#model", "")
    assert page.locator("#board tbody tr").count() == 29
    assert page.locator("button[data-key=dataset]").count() == 1
    page.select_option("#model", "svm")
    assert page.locator("#board tbody tr").count() == 6
    page.select_option("#stage", "decision")
    assert set(titles(page)) == {"none", "threshold"}
    page.select_option("#stage", "")
    page.fill("#search", "SMO")
    page.locator("#board tbody tr:nth-child(3)").wait_for(state="detached")
    assert set(titles(page)) == {"none", "smote"}
    assert "2 rows of 6" in page.locator("#count").inner_text()


def test_a_place_without_results_says_so(page):
    page.select_option("#dataset", "letters")
    page.select_option("#model", "svm")
    assert "No results" in page.locator("#count").inner_text()
    page.click("#theme")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.select_option("#model", "knn")
    assert page.locator("#board tbody tr").count() == 4


def test_chosen_strategies_overlay_in_every_figure(page):
    names = (
        """(id) => document.querySelector(`#${id} .plot`).data.map((t) => t.name).filter(Boolean)"""
    )
    show(page, "roc")
    assert set(page.evaluate(names, "roc")) >= {"none", "smote"}
    assert "noise" not in page.evaluate(names, "roc")
    page.select_option("#add-strategy", "noise")
    for figure in ("precision-recall", "roc", "reliability", "costs"):
        show(page, figure)
        assert "noise" in page.evaluate(names, figure)
    assert page.get_by_label("Show noise in the figures").is_checked()
    page.get_by_label("Remove noise from the figures").first.press("Enter")
    assert "Remove" in page.evaluate("document.activeElement.ariaLabel")
    assert "noise" not in page.evaluate(names, "roc")
    assert not page.get_by_label("Show noise in the figures").is_checked()


def test_without_a_strategy_figures_say_what_to_do(page):
    show(page, "roc")
    while page.locator("#curves .chips button").count():
        page.locator("#curves .chips button").first.click()
    for figure in ("roc", "costs", "folds", "recalls"):
        page.locator(f"#{figure}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{figure} .empty")
        assert "Choose a strategy" in page.locator(f"#{figure}").inner_text()
    page.select_option("#add-strategy", "smote")
    show(page, "recalls")


def test_curves_follow_the_class_and_the_block(page):
    page.select_option("#dataset", "letters")
    show(page, "roc")
    assert page.locator("#class option").count() == 4
    page.select_option("#class", label="c0")
    assert "Class c0 against" in page.locator("#roc .caption").inner_text()
    page.select_option("#dataset", "")
    page.locator("#block").select_option(label="telco · knn")
    assert "Class c1 against" in page.locator("#roc .caption").inner_text()


def test_cost_curves_have_both_axes_and_touch_no_trivial_rule(page):
    figure = show(page, "costs")
    assert "missed row" in figure.inner_text()
    values = """() => document.querySelector("#costs .plot").data.map((t) => [t.name ?? "", t.y])"""
    trivial, *curves = page.evaluate(values)
    for name, y in curves:
        if "smote" in name:
            assert max(y) < max(trivial[1])
    page.select_option("#cost-axis", "prevalence")
    assert "prevalence" in show(page, "costs").inner_text()
    page.locator("#costs summary").click()
    page.locator("#costs tbody tr").nth(20).wait_for()


def test_every_figure_has_words_and_its_values_as_a_table(read_page):
    for name in FIGURES:
        figure = show(read_page, name)
        plot = figure.locator(".plot")
        assert plot.get_attribute("role") == "img"
        assert len(plot.get_attribute("aria-label")) > 40
        unfold(read_page, name)
        figure.locator(".as-table tbody tr").first.wait_for()  # filled when it opens


def test_forest_has_every_gain_with_its_interval_and_verdict(read_page):
    show(read_page, "forest")
    read = """() => document.querySelector("#forest .plot").data.map((t) =>
      [t.name, t.marker.symbol, t.marker.color, t.x.length, t.error_x.array[0]])"""
    traces = {name: rest for name, *rest in read_page.evaluate(read)}
    assert set(traces) == {"better", "open", "worse"}
    symbols = {symbol for symbol, *_ in traces.values()}
    colours = {colour for _, colour, *_ in traces.values()}
    assert len(symbols) == len(colours) == 3  # neither colour nor shape alone
    assert sum(n for _, _, n, _ in traces.values()) == 4
    assert all(reach > 0 for *_, reach in traces.values())
    unfold(read_page, "forest")
    row = read_page.locator("#forest tbody tr", has_text="noise")
    assert "worse" in row.inner_text()
    assert "< 0.001" in row.inner_text()
    assert "false alarms among" in row.inner_text()
    legend = read_page.locator("#forest-legend")
    assert "▲ better 2" in legend.inner_text()
    shown = read_page.locator("#forest .hovertext")
    read_page.locator("#forest .point").first.hover(force=True)
    shown.wait_for()
    for words in ("adjusted p", "P(better)", "1 repeat"):
        assert words in shown.text_content()


def test_forest_follows_metric_filter_and_block(page):
    show(page, "forest")
    rows = """() => document.querySelector("#forest .plot").data.flatMap((t) => t.x).length"""
    title = """() => document.querySelector("#forest .plot").layout.xaxis.title.text"""
    page.select_option("#metric", label="ROC AUC")
    assert "ROC AUC over none" in page.evaluate(title)
    page.select_option("#metric", label="macro F1")
    page.select_option("#verdict", label="▼ worse")
    assert page.evaluate(rows) == 1
    assert set(titles(page)) == {"none", "noise"}
    page.select_option("#verdict", "")
    page.select_option("#dataset", "")
    page.locator("#block").select_option(label="letters · knn")
    assert "On letters" in page.locator("#forest .caption").inner_text()


def test_answer_has_counts_of_baseline_and_recommended_strategy(page):
    tables = page.locator("#counts table")
    assert tables.count() == 2
    assert tables.first.locator("caption").inner_text().startswith("none")
    assert "▲ better" in tables.last.locator("caption").inner_text()
    words = tables.last.inner_text()
    for word in ("found", "missed", "false alarms"):
        assert word in words
    page.select_option("#dataset", "")
    assert tables.count() == 0


def test_rows_tell_three_questions_counts_and_repeats(page):
    cells = page.locator("#board tbody tr", has_text="noise").locator("td")
    texts = cells.all_inner_texts()
    heads = page.locator("#board thead th").all_inner_texts()[1:]
    found = dict(zip([head.lower() for head in heads], texts, strict=True))
    assert "▼" in found["ranking"]
    assert "roc auc worse" in found["ranking"].lower()  # read aloud
    assert "false alarms among" in found["in counts"]
    assert found["repeats"] == "1"
    assert "Brier score" in page.locator("#board-caption").inner_text()
    page.locator("button[data-key=question-0]").click()
    assert titles(page)[-3] in ("none", "noise")


def test_repeats_and_the_reason_to_stop_are_shown(chromium, tmp_path):
    cells = [make_cell("none"), replace(make_cell("smote", skill=3.0), stopped="told")]
    opened = chromium.new_page()
    opened.goto(address(write_report(cells, OPTIONS, tmp_path)))
    assert "told" in opened.locator("#board td.stopped").all_inner_texts()[0]
    assert opened.locator("#overview").count() == 0  # one comparison has nothing across
    opened.close()


def test_axes_fit_the_data(read_page):
    show(read_page, "recalls")
    limits = """(id) => document.querySelector(`#${id} .plot`).layout.yaxis.range"""
    low, high = read_page.evaluate(limits, "recalls")
    ends = """() => document.querySelector("#recalls .plot").data.flatMap((t) =>
      t.y.flatMap((y, i) => [y - t.error_y.arrayminus[i], y + t.error_y.array[i]]))"""
    values = read_page.evaluate(ends)
    assert low <= min(values)
    assert max(values) <= high
    assert high - low < 1.2 * (max(values) - min(values)) + 0.03


def test_crossings_stand_in_a_table_where_there_are_any(page):
    assert page.locator("#crossing").is_hidden()
    page.select_option("#dataset", "letters")
    row = page.locator("#crossings tbody tr")
    assert row.count() == 1
    assert row.inner_text().split()[:2] == ["smote", "threshold"]


def test_matrices_are_tables_with_the_counts(read_page):
    cell = read_page.locator("#confusion tbody tr").first.locator("td").first
    assert int(cell.inner_text().replace(",", "")) > 100


def test_colours_follow_the_system_and_the_button(page):
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    assert dark != light
    page.click("#theme")
    assert page.evaluate(paper) == light
    page.click("#theme")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == dark
    page.reload()
    assert page.evaluate(paper) == dark


def test_everything_is_named_and_reached_by_keyboard(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    unnamed = """() => [...document.querySelectorAll("select, input, button")].filter((n) =>
      !n.hidden && ![n.ariaLabel, n.textContent, n.closest("label")?.textContent]
        .some((text) => text?.trim())
    ).map((n) => n.outerHTML)"""
    assert page.evaluate(unnamed) == []
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])"
    )
    assert levels[0] == 1
    assert max(b - a for a, b in pairwise(levels)) == 1


def test_command_versions_and_hardware_are_shown(read_page):
    text = read_page.locator("#about").inner_text()
    assert "python -m imbench -m dataset=digits" in text
    assert "2.9" in text
    assert "cpu" in text


@pytest.mark.parametrize("width", [390, 768])
def test_nothing_but_tables_scrolls_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    for name in FIGURES:
        show(page, name)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_paper_holds_every_figure(page):
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("figure .main-svg").count() >= len(FIGURES)
    assert not page.locator("#controls").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.pdf().startswith(b"%PDF")


def test_one_fold_and_one_strategy_are_shown_with_what_is_missing(chromium, tmp_path):
    path = write_report([make_cell("smote", n_folds=1)], OPTIONS, tmp_path)
    opened = chromium.new_page()
    opened.goto(address(path))
    opened.locator("#folds").scroll_into_view_if_needed()
    opened.wait_for_selector("#folds .empty")
    assert "run strategy=none" in opened.locator("#folds").inner_text()
    assert "run strategy=none" in opened.locator("#verdicts").inner_text()
    opened.close()


def test_a_report_of_failures_alone_opens(chromium, tmp_path):
    cells = [make_cell("none", status="failed", reason="out of memory")]
    opened = chromium.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(address(write_report(cells, OPTIONS, tmp_path)))
    assert "out of memory" in opened.locator("#board").inner_text()
    assert not opened.locator("#counts").is_visible()
    assert not opened.locator("#confusion").is_visible()
    for name in ("forest", *FIGURES[3:]):
        opened.locator(f"#{name}").scroll_into_view_if_needed()
        opened.wait_for_selector(f"#{name} .empty")
    opened.close()
    assert faults == []


def test_a_hundred_strategies_on_thirty_data_sets_open_in_three_seconds(chromium, tmp_path):
    cells = large_sweep(100, 2)
    board = build_leaderboard(cells, OPTIONS)
    payload = build_payload(board, cells, OPTIONS, Extras())
    blocks = [copy.copy(payload["blocks"][i % 2]) for i in range(30)]
    for i, block in enumerate(blocks):
        block |= {"dataset": f"table_{i:02d}", "title": f"table_{i:02d} · mlp"}
    html = to_html(board, to_json({**payload, "blocks": blocks}))
    path = tmp_path / "index.html"
    path.write_text(html, encoding="utf-8")
    assert path.stat().st_size < 15e6
    opened = chromium.new_page()
    opened.goto(address(path))
    opens_ms = opened.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert opens_ms < 3_000
    assert opened.locator("#board tbody tr").count() == 100
    opened.wait_for_selector("#forest .main-svg")
    drawn = """() => document.querySelector("#forest .plot").data.flatMap((t) => t.x).length"""
    assert opened.evaluate(drawn) == 25
    opened.click("#forest-all")
    assert opened.evaluate(drawn) == 99
    opened.select_option("#dataset", "")
    assert opened.locator("#board tbody tr").count() == 200
    assert "of 3,000" in opened.locator("#count").inner_text()
    opened.locator("#heat").scroll_into_view_if_needed()
    opened.wait_for_selector("#heat .main-svg")
    opened.close()
