// The first figure: the gain of each strategy over the baseline with its simultaneous interval.
// Needs base.js, data.js, answer.js and figures.js.

const FOREST_AT_FIRST = 25;
let forestWhole = false; // whether all strategies are drawn, not only the first

/** Finished rows with a gain that pass the filters, the largest gain first. */
function gained(block) {
  return block.rows
    .map((row, i) => i)
    .filter((i) => isDone(block.rows[i]) && passes(block, i) && !Number.isNaN(stat(block, i, "gain")))
    .sort((i, j) => stat(block, j, "gain") - stat(block, i, "gain"));
}

/** Why there is no gain to draw, and what to do. */
function noGains(block) {
  if (baselineRow(block) >= 0) return "no other strategy finished, or none passes the filters.";
  if (block.rows.some((row) => row.label === data.baseline)) return `${data.baseline} did not finish, and gains are measured against it.`;
  return `run strategy=${data.baseline} as well, to compare with doing nothing.`;
}

/** What a point says when it is pointed at, in lines. */
function forestLines(block, i) {
  const told = verdictOf(block, i);
  const row = block.rows[i];
  return [
    `${told.mark} ${told.word}: ${fixed(stat(block, i, "gain"), 3, true)} ${rangeText(stat(block, i, "low"), stat(block, i, "high"))}`,
    `adjusted p ${pText(stat(block, i, "p_adjusted"))}, P(better) ${fixed(stat(block, i, "p_better"), 2)}`,
    `${count(row.repeats, "repeat")}${row.stopped ? `, stopped: ${row.stopped}` : ""}`,
    countsText(row),
    row.note ?? "",
  ].filter(Boolean);
}

/** Half width of the region of practical equivalence of the chosen metric. */
const ropeShown = () => data.metrics[chosen.metric].rope;

/** Limits of the axis: all intervals, zero and the region of practical equivalence. */
function forestRange(block, rows) {
  const ends = rows.flatMap((i) => ["gain", "low", "high"].map((field) => stat(block, i, field)));
  const known = [...ends.filter((value) => Number.isFinite(value)), -ropeShown(), ropeShown()];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = 0.06 * (high - low);
  return [low - room, high + room];
}

const forest = {
  id: "forest",
  title: "Gain of each strategy",
  wide: true,
  bare: true,
  height: 220,
  draw(block) {
    const all = gained(block);
    drawForestTools(block, all);
    if (!all.length) {
      return { empty: `No gains: ${noGains(block)}` };
    }
    const rows = forestWhole ? all : all.slice(0, FOREST_AT_FIRST);
    const { name } = data.metrics[chosen.metric];
    const narrow = byId("forest").clientWidth < 560;
    const step = narrow ? 40 : rows.length > 40 ? 22 : 28;
    const base = baseLayout(rows.length * step + 92);
    const range = forestRange(block, rows);
    return {
      traces: forestTraces(block, rows),
      layout: {
        ...base,
        margin: { l: narrow ? 10 : 52, r: 12, t: 8, b: 48 },
        shapes: forestShapes(base),
        annotations: narrow ? rows.map((i, k) => forestName(block, i, k, range)) : [],
        xaxis: axisOf(base, `gain in ${name} over ${plain(baselineName(block), 24)}`, { range, nticks: narrow ? 5 : 9, zeroline: true, zerolinecolor: base.ink, zerolinewidth: 1.5 }),
        yaxis: {
          ...axisOf(base, ""), range: [rows.length - 0.4, narrow ? -0.85 : -0.6], ticks: "", showgrid: false, showline: false,
          tickvals: narrow ? [] : rows.map((_, k) => k), ticktext: narrow ? [] : rows.map((i) => forestLabel(block, i)),
        },
      },
      caption: forestCaption(block, rows, all),
      words: `${count(all.length, "strategy", "strategies")}; largest gain: ${block.rows[all[0]].title}, ${fixed(stat(block, all[0], "gain"), 3, true)}, ${verdictOf(block, all[0]).word}.`,
      table: forestTable(block, all),
    };
  },
};

const forestLabel = (block, i, width = 30) => {
  const told = verdictOf(block, i);
  return `${plain(block.rows[i].title, width)} <span style="color:${colourOf(told.colour)}">${told.mark}</span>`;
};

/** A name above its interval, where a phone has no room beside it. */
const forestName = (block, i, k, range) => ({
  x: range[0], y: k - 0.42, xanchor: "left", yanchor: "middle", showarrow: false, align: "left",
  text: forestLabel(block, i, 40), font: { size: 12 }, bgcolor: colourOf("--paper"), borderpad: 1,
});

/** The region of practical equivalence. */
function forestShapes(base) {
  if (!(ropeShown() > 0)) return [];
  const ends = { yref: "paper", y0: 0, y1: 1, x0: -ropeShown(), x1: ropeShown() };
  return [{ ...ends, type: "rect", layer: "below", line: { width: 0 }, fillcolor: base.soft, opacity: 0.16 }];
}

/** One trace for each verdict, so that a trace has one colour and one shape. */
function forestTraces(block, rows) {
  return data.verdicts.flatMap((_, place) => {
    const places = rows.map((i, k) => [i, k]).filter(([i]) => verdictOf(block, i).place === place);
    if (!places.length) return [];
    const { symbol, colour, word } = verdictAt(place);
    const value = (field) => places.map(([i]) => stat(block, i, field));
    const [gain, low, high] = ["gain", "low", "high"].map(value);
    const reach = (ends) => ends.map((end, k) => (Number.isFinite(end) ? Math.abs(end - gain[k]) : 0));
    const color = colourOf(colour);
    return [
      {
        type: "scatter", mode: "markers", name: word, x: gain, y: places.map(([, k]) => k),
        marker: { color, size: 11, symbol, line: { width: 2, color } },
        error_x: { type: "data", symmetric: false, array: reach(high), arrayminus: reach(low), color, thickness: 2, width: 4 },
        customdata: places.map(([i]) => [block.rows[i].title, ...forestLines(block, i)].map((line) => plain(line, 90)).join("<br>")),
        hovertemplate: "%{customdata}<extra></extra>",
      },
    ];
  });
}

function forestCaption(block, rows, all) {
  const left = all.length - rows.length;
  const silent = rows.filter((i) => Number.isNaN(stat(block, i, "low"))).length;
  return (
    `${blocksShown().length > 1 ? `On ${block.title}. ` : ""}Mean gain with its simultaneous 95 % interval.` +
    (ropeShown() > 0 ? ` Shaded: the region of practical equivalence, ±${ropeShown()}.` : "") +
    (silent ? ` Without a line: no interval, ${silent === rows.length ? "see the notes below the table" : `${silent} of ${rows.length}`}.` : "") +
    (left ? ` The ${rows.length} largest gains of ${all.length}.` : "")
  );
}

function forestTable(block, rows) {
  return {
    heads: ["strategy", "verdict", "gain", "95\u00a0% interval", "adjusted p", "P(better)", "repeats", "in counts"],
    rows: rows.map((i) => [
      block.rows[i].title, verdictOf(block, i).word, fixed(stat(block, i, "gain"), 3, true),
      rangeText(stat(block, i, "low"), stat(block, i, "high")) || "–", pText(stat(block, i, "p_adjusted")),
      fixed(stat(block, i, "p_better"), 2), block.rows[i].repeats, countsText(block.rows[i]),
    ]),
  };
}

/** The legend with the number of strategies of each verdict, and the button for all of them. */
function drawForestTools(block, all) {
  const left = all.length - FOREST_AT_FIRST;
  byId("forest-all").hidden = left <= 0;
  byId("forest-all").textContent = forestWhole ? `Show the first ${FOREST_AT_FIRST}` : `Show all ${all.length}`;
  byId("forest-legend").hidden = !all.length;
  byId("forest-legend").replaceChildren(
    ...data.verdicts.map((_, place) => {
      const { mark, word, kind } = verdictAt(place);
      const n = all.filter((i) => verdictOf(block, i).place === place).length;
      return el("li", { class: n ? kind : "none" }, el("span", { "aria-hidden": "true" }, `${mark} `), `${word} ${n}`);
    }),
  );
}

function addForest() {
  const tools = el(
    "div",
    {},
    el(
      "div",
      { class: "figure-tools" },
      el("label", {}, "Data set and model", el("select", { id: "block", on: { change: (event) => chooseBlock(Number(event.target.value)) } })),
    ),
    el("ul", { id: "forest-legend", class: "legend", "aria-label": "Strategies by verdict" }),
  );
  const section = addSection("gains", "What each strategy gains", null, [forest], tools, byId("first"));
  const more = el("button", { type: "button", id: "forest-all", class: "quiet", on: { click: () => {
    forestWhole = !forestWhole;
    drawFigures();
  } } });
  section.append(el("p", {}, more));
}

function chooseBlock(place) {
  chosen.block = place;
  chosen.classLabel = null;
  drawFigures();
  drawTable();
}
