// The report's data and what the reader has chosen. Needs base.js.
// Axes of the packed numbers, as payload.py writes them:
//   block.stats   (row, metric, field of data.stats)
//   block.values  (row, fold, metric)

const data = JSON.parse(byId("data").textContent);
const FIELD = Object.fromEntries(data.stats.map((name, i) => [name, i]));
const metricIndex = (key) => data.metrics.findIndex((metric) => metric.key === key);

const chosen = {
  dataset: "", // "" is all
  model: "",
  metric: metricIndex(data.sort),
  stage: "",
  search: "",
  verdict: "", // place in data.verdicts
  block: 0, // index of the block that figures are about
  ranking: 0, // index of the ranking of those shown
  strategies: null, // titles in figures; null: the page chooses
  classLabel: null, // of curves; null: the minority
  costs: "ratio", // or "prevalence"
  heat: "gain", // or "mean"
};

const unpacked = new Map();

/** The packed numbers of a block, unpacked at first use. */
function numbers(block) {
  if (!unpacked.has(block)) {
    unpacked.set(block, { stats: floats(block.stats), values: floats(block.values) });
  }
  return unpacked.get(block);
}

/** One number of a row: `stat(block, 3, "gain")`; the metric is the chosen one unless given. */
function stat(block, row, field, metric = chosen.metric) {
  const at = (row * data.metrics.length + metric) * data.stats.length + FIELD[field];
  return numbers(block).stats[at];
}

/** Value of the chosen metric on a fold, NaN where there is none. */
function foldValue(block, row, fold, metric = chosen.metric) {
  return numbers(block).values[(row * block.folds.length + fold) * data.metrics.length + metric];
}

const status = (row) => row.status ?? "ok";
const isDone = (row) => status(row) === "ok" && Boolean(row.curves);

/** Row that the others of a block are compared with, and its name; -1 and "" without one. */
const baselineRow = (block) => block.baseline;
const baselineName = (block) => block.rows[block.baseline]?.title ?? "";

/** Look of each verdict, in the order of data.verdicts: never told by colour alone. */
const LOOKS = [
  { kind: "better", symbol: "triangle-up", colour: "--good" },
  { kind: "better", symbol: "triangle-up-open", colour: "--good" },
  { kind: "equal", symbol: "square", colour: "--ink" },
  { kind: "open", symbol: "circle-open", colour: "--soft" },
  { kind: "worse", symbol: "triangle-down-open", colour: "--bad" },
  { kind: "worse", symbol: "triangle-down", colour: "--bad" },
];

/** Verdict of a row in a metric: mark, word, look and place; null where there is none. */
function verdictOf(block, row, metric = chosen.metric) {
  return verdictAt(stat(block, row, "verdict", metric));
}

function verdictAt(place) {
  if (!Number.isInteger(place)) return null;
  const [mark, word] = data.verdicts[place];
  return { place, mark, word, ...LOOKS[place] };
}

/** Blocks that the choice of data set and model leaves. */
function blocksShown() {
  return data.blocks.filter(
    (block) =>
      (!chosen.dataset || block.dataset === chosen.dataset) && (!chosen.model || block.model === chosen.model),
  );
}

/** Whether a row passes the filters of stage, name and verdict; the baseline always does. */
function passes(block, i) {
  if (i === baselineRow(block)) return true;
  const row = block.rows[i];
  if (chosen.verdict !== "" && verdictOf(block, i)?.place !== Number(chosen.verdict)) return false;
  if (chosen.stage && !(row.stages ?? []).includes(chosen.stage)) return false;
  return row.title.toLowerCase().includes(chosen.search.trim().toLowerCase());
}

/** Order of two values of a metric, the better first, what is undefined last. */
function betterFirst(a, b, up) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return up ? b - a : a - b;
}

/** Indices of a block's finished rows that pass the filters, the best first. */
function ranked(block) {
  const { up } = data.metrics[chosen.metric];
  return block.rows
    .map((row, i) => i)
    .filter((i) => isDone(block.rows[i]) && passes(block, i))
    .sort((i, j) => betterFirst(stat(block, i, "mean"), stat(block, j, "mean"), up));
}

/** Row to look at beside the baseline; -1 without one. */
const recommended = (block) => block.recommended[chosen.metric];

/** Rows in the figures: those chosen, or the baseline and the three best. */
function overlaid(block) {
  if (chosen.strategies) {
    return [...chosen.strategies]
      .map((title) => block.rows.findIndex((row) => row.title === title))
      .filter((i) => i >= 0 && isDone(block.rows[i]));
  }
  const baseline = baselineRow(block);
  const best = ranked(block).filter((i) => i !== baseline);
  return baseline >= 0 ? [baseline, ...best.slice(0, 3)] : best.slice(0, 4);
}

/** Show or hide a strategy in the figures. */
function choose(block, title, shown) {
  const titles = new Set(chosen.strategies ?? overlaid(block).map((i) => block.rows[i].title));
  if (shown) titles.add(title);
  else titles.delete(title);
  chosen.strategies = titles;
}
