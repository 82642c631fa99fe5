// The verdict in words and the table. Needs base.js and data.js.

const ROWS_AT_FIRST = 200; // and so many more at a time: 3,000 at once take a browser seconds
const SENTENCES_AT_FIRST = 6;
const VERDICTS = new Map([
  [1, ["better", "▲ better"]],
  [-1, ["worse", "▼ worse"]],
  [0, ["", "· cannot be told"]],
]);
const sorting = { key: "metric", ascending: null }; // ascending null: the better first
let rowsShown = ROWS_AT_FIRST;

function drawVerdicts() {
  const blocks = blocksShown();
  const gains = (block) => block.rows.some((row, i) => stat(block, i, "verdict") === 1);
  const item = (block) => el("li", { class: gains(block) ? "gain" : null }, block.verdicts[chosen.metric]);
  const rest = blocks.slice(SENTENCES_AT_FIRST);
  byId("verdicts").replaceChildren(...blocks.slice(0, SENTENCES_AT_FIRST).map(item));
  byId("more-verdicts").hidden = !rest.length;
  byId("more-verdicts").querySelector("summary").textContent = `${count(rest.length, "more comparison")}`;
  byId("more-verdicts").querySelector("ul").replaceChildren(...rest.map(item));
  const words = data.summaries[chosen.metric];
  byId("summary").hidden = !words;
  byId("summary").textContent = words;
}

/** Metrics with a column: the chosen one first, then those of the report. */
function columns() {
  const rest = data.columns.map(metricIndex).filter((j) => j !== chosen.metric);
  return [chosen.metric, ...rest];
}

function heads(several) {
  const name = data.metrics[chosen.metric].name;
  const place = several ? [["dataset", "data set"], ["model", "model"]] : [];
  return [
    ["title", "strategy"],
    ...place,
    ["verdict", "against none"],
    ["gain", `gain in ${name} [95\u00a0%]`],
    ...(hasPosteriors() ? [["better", "P worse / equal / better"]] : []),
    ...columns().map((j) => [`metric-${j}`, data.metrics[j].name, j]),
    ["fit_s", "fit s"],
  ];
}

/** Posteriors hold for the metric that the report is about: the equivalence is in its units. */
const hasPosteriors = () =>
  chosen.metric === metricIndex(data.sort) && blocksShown().some((block) => block.rows.some((row) => row.rope));

/** What a row is sorted by under a head; text or number. */
function sortValue({ block, i }, key) {
  const row = block.rows[i];
  if (key === "title") return row.title.toLowerCase();
  if (key === "dataset" || key === "model") return block[key].toLowerCase();
  if (key === "fit_s") return row.fit_s ?? NaN;
  if (key === "better") return row.rope?.[2] ?? NaN;
  if (key === "gain") return stat(block, i, "gain");
  if (key === "verdict") return stat(block, i, "verdict") * 1e3 + (stat(block, i, "gain") || 0);
  return stat(block, i, "mean", key === "metric" ? chosen.metric : Number(key.slice(7)));
}

/** Whether smaller values stand on top when a head is first pressed. */
function startsAscending(key) {
  if (["title", "dataset", "model", "fit_s"].includes(key)) return true;
  if (["gain", "verdict", "better"].includes(key)) return false;
  return !data.metrics[key === "metric" ? chosen.metric : Number(key.slice(7))].up;
}

function sortRows(rows) {
  const ascending = sorting.ascending ?? startsAscending(sorting.key);
  const places = { ok: 0, skipped: 1, failed: 2 };
  const compare = (a, b) => {
    const rank = places[status(a.row)] - places[status(b.row)];
    if (rank) return rank;
    if (typeof a.value === "string") return (ascending ? 1 : -1) * a.value.localeCompare(b.value);
    return betterFirst(a.value, b.value, !ascending);
  };
  return rows
    .map((entry) => ({ ...entry, row: entry.block.rows[entry.i], value: sortValue(entry, sorting.key) }))
    .sort(compare);
}

function drawTable() {
  const blocks = blocksShown();
  const several = blocks.length > 1;
  if (!several && ["dataset", "model"].includes(sorting.key)) sorting.key = "metric";
  const rows = sortRows(
    blocks.flatMap((block) =>
      block.rows.map((row, i) => ({ block, i })).filter(({ i }) => passes(block.rows[i])),
    ),
  );
  const shown = rows.slice(0, rowsShown);
  const head = el("tr", {}, ...heads(several).map(headCell));
  const table = el(
    "table",
    { id: "board" },
    el("caption", { class: "visually-hidden" }, "Strategies by metric"),
    el("thead", {}, head),
    el("tbody", {}, ...shown.map((entry) => tableRow(entry, several))),
  );
  byId("board-scroll").replaceChildren(table);
  byId("board-caption").textContent = tableCaption(blocks);
  const total = blocks.reduce((sum, block) => sum + block.rows.length, 0);
  byId("count").textContent =
    `${count(rows.length, "row")} of ${total.toLocaleString("en")}` +
    (shown.length < rows.length ? `, the first ${shown.length} shown` : "") + ".";
  const left = rows.length - shown.length;
  byId("show-more").hidden = !left;
  byId("show-more").textContent = `Show ${Math.min(left, ROWS_AT_FIRST)} more rows`;
  drawNotes(blocks);
}

function tableCaption(blocks) {
  const name = data.metrics[chosen.metric].name;
  const equal = hasPosteriors()
    ? ` P: posterior of the Bayesian correlated t-test; equal is a gain within ±${data.rope}.`
    : "";
  if (blocks.length === 1) return blocks[0].caption.replaceAll("{metric}", name) + equal;
  return (
    "Mean ± sd over folds; * the best of its data set and model and what cannot be told from it; " +
    "a gain is the mean difference to none on the same folds with its 95 % interval. " +
    `Choose one data set and one model for its test and number of folds.${equal}`
  );
}

function headCell([key, text, metric]) {
  const active = key === sorting.key || (sorting.key === "metric" && metric === chosen.metric);
  const ascending = sorting.ascending ?? startsAscending(sorting.key);
  const press = () => {
    const was = active ? ascending : null;
    sorting.key = key;
    sorting.ascending = was === null ? null : !was;
    rowsShown = ROWS_AT_FIRST;
    drawTable();
    byId("board").querySelector(`button[data-key="${key}"]`).focus();
  };
  const direction = metric === undefined ? "" : data.metrics[metric].up ? "higher is better" : "lower is better";
  const isText = ["title", "dataset", "model", "verdict"].includes(key);
  return el(
    "th",
    { scope: "col", class: isText ? "text" : null, "aria-sort": active ? (ascending ? "ascending" : "descending") : null },
    el(
      "button",
      { type: "button", "data-key": key, title: direction || null, on: { click: press } },
      text,
      direction ? el("span", { class: "visually-hidden" }, `, ${direction}`) : null,
    ),
  );
}

function tableRow({ block, i }, several) {
  const row = block.rows[i];
  const place = several
    ? [el("td", { class: "text" }, block.dataset), el("td", { class: "text" }, block.model)]
    : [];
  if (status(row) !== "ok") {
    const width = columns().length + 2 + hasPosteriors();
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, ...breakable(row.title)),
      ...place,
      el("td", { class: `text ${status(row)}` }, status(row)),
      el("td", { class: "reason", colspan: width }, el("div", {}, row.reason ?? "")),
    );
  }
  const isBaseline = row.label === data.baseline;
  const [kind, words] = VERDICTS.get(stat(block, i, "verdict")) ?? ["", isBaseline ? "baseline" : ""];
  return el(
    "tr",
    { class: isBaseline ? "baseline" : null },
    el("th", { scope: "row" }, rowLabel(block, row)),
    ...place,
    el("td", { class: `text ${kind}` }, words),
    gainCell(block, i),
    ...(hasPosteriors() ? [el("td", { class: "range" }, row.rope ? row.rope.map((p) => fixed(p, 2)).join(" / ") : "")] : []),
    ...columns().map((j) => meanCell(block, i, j)),
    el("td", {}, seconds(row.fit_s ?? NaN)),
  );
}

/** The name, and the box that shows the strategy in the figures. */
function rowLabel(block, row) {
  if (!isDone(row)) return el("span", {}, ...breakable(row.title));
  const figures = figureBlock();
  const box = el("input", {
    type: "checkbox",
    "data-title": row.title,
    "aria-label": `Show ${row.title} in the figures`,
    on: {
      change: (event) => {
        choose(figures, row.title, event.target.checked);
        drawFigures();
        syncBoxes();
      },
    },
  });
  box.checked = block === figures && overlaid(block).some((i) => block.rows[i] === row);
  return el("label", {}, box, el("span", {}, ...breakable(row.title)));
}

/** Set every box of the table to what the figures show. */
function syncBoxes() {
  const block = figureBlock();
  const titles = new Set(overlaid(block).map((i) => block.rows[i].title));
  for (const box of document.querySelectorAll("#board input[type=checkbox]")) {
    box.checked = titles.has(box.dataset.title);
  }
}

function gainCell(block, i) {
  const gain = stat(block, i, "gain");
  if (Number.isNaN(gain)) return el("td", {});
  const low = stat(block, i, "low");
  const range = Number.isNaN(low)
    ? ""
    : ` [${fixed(low, 3, true)}, ${fixed(stat(block, i, "high"), 3, true)}]`;
  return el("td", {}, fixed(gain, 3, true), el("span", { class: "range" }, range));
}

/** Mean; for the chosen metric with its spread and a star if it cannot be told from the best. */
function meanCell(block, i, j) {
  const std = fixed(stat(block, i, "std", j));
  const mean = fixed(stat(block, i, "mean", j));
  const [low, high] = block.rows[i].interval?.[data.metrics[j].key] ?? [NaN, NaN];
  const interval = Number.isFinite(low) ? `, 95 % bootstrap interval ${fixed(low)} to ${fixed(high)}` : "";
  const title = std === "–" ? null : `${mean} ± ${std}${interval}`;
  if (j !== chosen.metric) return el("td", { title }, mean);
  return el(
    "td",
    { class: "sorted", title },
    mean,
    std === "–" ? "" : el("span", { class: "sd" }, ` ± ${std}`),
    el("span", { class: "star" }, stat(block, i, "best", j) === 1 ? " *" : "\u00a0\u00a0"),
  );
}

/** What is to be known beside the numbers, for one block or a few. */
function drawNotes(blocks) {
  const lines = blocks.slice(0, 4).flatMap((block) => block.notes);
  if (chosen.metric !== metricIndex(data.sort)) {
    const sort = data.metrics[metricIndex(data.sort)].name;
    lines.push(
      `This report was made about ${sort}. Its 5 % holds for a metric chosen before looking; trying many of them finds false gains.`,
    );
  }
  byId("board-notes").replaceChildren(
    lines.length ? el("ul", {}, ...lines.map((line) => el("li", {}, line))) : "",
  );
}
