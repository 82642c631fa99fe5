// The table. Needs base.js, data.js and answer.js.

const ROWS_AT_FIRST = 200; // and so many more at a time: 3,000 at once take a browser seconds
const sorting = { key: "metric", ascending: null }; // ascending null: the better first
let rowsShown = ROWS_AT_FIRST;

/** Metrics with a column: the chosen one first, then those of the report. */
function columns() {
  const rest = data.columns.map(metricIndex).filter((j) => j !== chosen.metric);
  return [chosen.metric, ...rest];
}

/** Whether paper has no room for the column of a metric: report.md holds it. */
const isSpare = (metric) => columns().indexOf(metric) > 0;

function heads(several) {
  const name = data.metrics[chosen.metric].name;
  const place = several ? [["dataset", "data set"], ["model", "model"]] : [];
  const base = baselinesShown();
  const beyond = beyondShown();
  return [
    ["title", "strategy"],
    ...place,
    ["verdict", base.length === 1 ? `against ${base[0]}` : "against the baseline"],
    ["gain", `gain in ${name} [95\u00a0%]`],
    ...(beyond.length ? [["beyond", beyond.length === 1 ? `gain over ${beyond[0]}` : "gain over the best trivial remedy"]] : []),
    ...questionsShown().map(([question, k]) => [`question-${k}`, question, undefined, true]),
    ["counts", "in counts"],
    ["repeats", "repeats"],
    ...columns().map((j) => [`metric-${j}`, data.metrics[j].name, j]),
    ["fit_s", "fit s"],
  ];
}

/** Questions that some row answers, with their places; the first shown block names their metrics. */
function questionsShown() {
  const [{ questions }] = blocksShown();
  return questions.map(([question], k) => [question, k]).filter(([, k]) => questions[k][1].length);
}

const distinct = (names) => [...new Set(names)];

const baselinesShown = () => distinct(blocksShown().map(baselineName).filter(Boolean));

/** Best trivial remedies that rows are compared with beside the baseline, in the report's metric. */
function beyondShown() {
  if (chosen.metric !== metricIndex(data.sort)) return [];
  const blocks = blocksShown().filter((block) => block.rows.some((row) => row.beyond));
  return distinct(blocks.map((block) => block.rows[block.trivial].title));
}

/** What a row is sorted by under a head; text or number. */
function sortValue({ block, i }, key) {
  const row = block.rows[i];
  if (key === "title") return row.title.toLowerCase();
  if (key === "dataset" || key === "model") return block[key].toLowerCase();
  if (key === "fit_s") return row.fit_s ?? NaN;
  if (key === "repeats") return row.repeats ?? NaN;
  if (key === "counts") return row.counts?.[0] ?? NaN;
  if (key === "beyond") return row.beyond?.[0] ?? NaN;
  if (key === "gain") return stat(block, i, "gain");
  if (key === "verdict") return (stat(block, i, "gain") || 0) - stat(block, i, "verdict") * 1e3;
  if (key.startsWith("question-")) return questionValue(block, i, Number(key.slice(9)));
  return stat(block, i, "mean", key === "metric" ? chosen.metric : Number(key.slice(7)));
}

/** Rows are sorted by the verdicts of a question in the order of its metrics. */
function questionValue(block, i, k) {
  const places = block.rows[i].profile?.[k] ?? [];
  return places.length ? places.reduce((sum, place) => sum * 10 - place, 0) : NaN;
}

/** Whether smaller values stand on top when a head is first pressed. */
function startsAscending(key) {
  if (["title", "dataset", "model", "fit_s"].includes(key)) return true;
  if (["gain", "verdict", "beyond", "counts", "repeats"].includes(key)) return false;
  if (key.startsWith("question-")) return false;
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
      block.rows.map((row, i) => ({ block, i })).filter(({ i }) => passes(block, i)),
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
  const marks = questionsShown().map(([question, k]) => `${question}: ${blocks[0].questions[k][1].join(", ")}`);
  const profile = marks.length ? ` Marks in this order, ${marks.join("; ")}.` : "";
  const name = data.metrics[chosen.metric].name;
  if (blocks.length === 1) return blocks[0].caption.replaceAll("{metric}", name) + profile;
  return (
    "Mean ± sd over folds; * the group of the best of its data set and model; a gain is the mean " +
    "difference to the baseline on the same folds with its simultaneous 95 % interval. " +
    `Choose one data set and one model for its number of folds.${profile}`
  );
}

function headCell([key, text, metric, marked]) {
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
  const isText = ["title", "dataset", "model", "verdict", "counts", "repeats"].includes(key) || Boolean(marked);
  return el(
    "th",
    { scope: "col", class: [isText ? "text" : "", isSpare(metric) ? "spare" : ""].join(" ").trim() || null, "aria-sort": active ? (ascending ? "ascending" : "descending") : null },
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
    const width = heads(several).length - 2 - place.length;
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, ...breakable(row.title)),
      ...place,
      el("td", { class: `text ${status(row)}` }, status(row)),
      el("td", { class: "reason", colspan: width }, el("div", {}, row.reason ?? "")),
    );
  }
  const isBase = i === baselineRow(block);
  return el(
    "tr",
    { class: isBase ? "baseline" : null },
    el("th", { scope: "row" }, rowLabel(block, row)),
    ...place,
    verdictCell(block, i),
    gainCell(block, i),
    ...(beyondShown().length ? [isBase ? el("td", {}) : beyondCell(row)] : []),
    ...questionsShown().map(([, k]) => profileCell(block, i, k)),
    el("td", { class: "text in-counts" }, countsText(row)),
    repeatsCell(row),
    ...columns().map((j) => meanCell(block, i, j)),
    el("td", {}, seconds(row.fit_s ?? NaN)),
  );
}

function verdictCell(block, i) {
  const told = verdictOf(block, i);
  if (!told) return el("td", { class: "text" }, i === baselineRow(block) ? "baseline" : "");
  const title = `adjusted p ${pText(stat(block, i, "p_adjusted"))}, P(better) ${fixed(stat(block, i, "p_better"), 2)}`;
  return el("td", { class: `text ${told.kind}`, title }, el("span", { "aria-hidden": "true" }, `${told.mark} `), told.word);
}

/** Gain over the best trivial remedy with its mark. */
function beyondCell(row) {
  if (!row.beyond) return el("td", {});
  const [gain, low, high, , , place] = row.beyond;
  const told = verdictAt(place);
  return el(
    "td",
    { title: `${told.word} ${rangeText(low ?? NaN, high)}`.trim() },
    el("span", { class: told.kind, "aria-hidden": "true" }, `${told.mark} `),
    aloud(`${told.word}, `),
    fixed(gain, 3, true),
  );
}

/** Number of repeats, and why there are no more. */
function repeatsCell(row) {
  const isSaid = row.stopped?.includes(count(row.repeats, "repeat"));
  return el(
    "td",
    { class: "text stopped" },
    isSaid ? "" : String(row.repeats ?? "–"),
    row.stopped ? el("span", { class: "range" }, ` ${row.stopped}`) : "",
  );
}

/** A mark for each metric of a question. */
function profileCell(block, i, k) {
  const places = block.rows[i].profile?.[k] ?? [];
  const told = places.map((place, j) => [block.questions[k][1][j], verdictAt(place)]);
  const words = told.map(([name, { word }]) => `${name} ${word}`).join(", ");
  return el(
    "td",
    { class: "text marks", title: words || null },
    ...told.map(([, { mark, kind }]) => el("span", { class: kind, "aria-hidden": "true" }, mark)),
    aloud(words),
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
  const range = rangeText(stat(block, i, "low"), stat(block, i, "high"));
  return el("td", {}, fixed(gain, 3, true), el("span", { class: "range" }, range && ` ${range}`));
}

/** Mean; for the chosen metric with its spread and a star in the group of the best. */
function meanCell(block, i, j) {
  const std = fixed(stat(block, i, "std", j));
  const mean = fixed(stat(block, i, "mean", j));
  const [low, high] = block.rows[i].interval?.[data.metrics[j].key] ?? [NaN, NaN];
  const interval = Number.isFinite(low) ? `, 95 % interval ${fixed(low)} to ${fixed(high)}` : "";
  const title = std === "–" ? null : `${mean} ± ${std}${interval}`;
  if (j !== chosen.metric) return el("td", { title, class: isSpare(j) ? "spare" : null }, mean);
  return el(
    "td",
    { class: "sorted", title },
    mean,
    std === "–" ? "" : el("span", { class: "sd" }, ` ± ${std}`),
    el("span", { class: "star" }, stat(block, i, "best", j) === 1 ? " *" : "\u00a0\u00a0"),
  );
}

/** Why there is no interval or no verdict, once for all strategies of which it is said. */
function comparisonNotes(block) {
  const titles = new Map();
  for (const row of block.rows) {
    if (row.note) titles.set(row.note, [...(titles.get(row.note) ?? []), row.title]);
  }
  const compared = block.rows.filter((row, i) => isDone(row) && i !== baselineRow(block)).length;
  return [...titles].map(([note, names]) => `${names.length > 3 && names.length === compared ? "All" : names.join(", ")}: ${note}.`);
}

/** What is to be known beside the numbers, for one block or a few. */
function drawNotes(blocks) {
  const lines = blocks.slice(0, 4).flatMap((block) => [...block.notes, ...comparisonNotes(block)]);
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
