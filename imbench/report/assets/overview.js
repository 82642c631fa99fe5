// Across data sets: heat map and average ranks. Needs base.js, data.js, figures.js and curves.js.

const heatMap = {
  id: "heat",
  title: "Strategy by data set",
  wide: true,
  draw() {
    const blocks = data.blocks.filter((block) => !chosen.model || block.model === chosen.model);
    const several = new Set(blocks.map((block) => block.model)).size > 1;
    const name = data.metrics[chosen.metric].name;
    const field = chosen.heat;
    const rows = new Map(); // title -> a value for each block
    const verdicts = new Map();
    blocks.forEach((block, k) => {
      block.rows.forEach((row, i) => {
        if (!isDone(row) || !passes(block, i) || (field === "gain" && i === baselineRow(block))) return;
        if (!rows.has(row.title)) {
          rows.set(row.title, blocks.map(() => NaN));
          verdicts.set(row.title, blocks.map(() => ""));
        }
        rows.get(row.title)[k] = stat(block, i, field);
        verdicts.get(row.title)[k] = verdictOf(block, i)?.mark ?? "";
      });
    });
    const mean = (values) => {
      const defined = values.filter((value) => !Number.isNaN(value));
      return defined.length ? defined.reduce((sum, value) => sum + value, 0) / defined.length : NaN;
    };
    const up = field === "gain" || data.metrics[chosen.metric].up;
    const titles = [...rows.keys()]
      .filter((title) => rows.get(title).some((value) => !Number.isNaN(value)))
      .sort((a, b) => betterFirst(mean(rows.get(a)), mean(rows.get(b)), up));
    if (!titles.length) {
      return { empty: field === "gain" ? `No gains: run strategy=${data.baseline} as well, to compare with doing nothing.` : "Nothing finished here." };
    }
    const labels = blocks.map((block) => (several ? block.title : block.title.replace(` · ${block.model}`, "")));
    const height = Math.max(150, titles.length * 21 + 90);
    const base = baseLayout(height);
    const space = byId("heat").clientWidth;
    const width = Math.min(space, 300 + 110 * labels.length);
    const slanted = Math.max(...labels.map((label) => label.length)) * 7 > (width - 190) / labels.length;
    const z = titles.map((title) => rows.get(title));
    const most = Math.max(...z.flat().filter((value) => !Number.isNaN(value)).map(Math.abs), 0.05);
    const scale = theme.dark
      ? [[0, "#c96f33"], [0.5, "#24282d"], [1, "#2f8f74"]]
      : [[0, "#c25a12"], [0.5, "#f6f5f0"], [1, "#0b7a5e"]];
    const plainScale = theme.dark ? [[0, "#1d2126"], [1, "#6fa8e8"]] : [[0, "#f3f5f8"], [1, "#1f5fa8"]];
    const gain = field === "gain";
    const values = z.flat().filter((value) => !Number.isNaN(value));
    const ends = gain ? [-most, most] : [Math.min(...values), Math.max(...values)];
    const colours = (gain ? scale : plainScale).map(([, colour]) => colour);
    drawScale(gain || up ? colours : colours.reverse(), ends, gain);
    return {
      traces: [
        {
          type: "heatmap",
          x: labels.map((_, k) => k),
          y: titles.map((_, k) => k),
          z: z.map((line) => line.map((value) => (Number.isNaN(value) ? null : value))),
          text: titles.map((title) => verdicts.get(title)),
          texttemplate: gain ? "%{text}" : "",
          textfont: { size: 10 },
          customdata: titles.map((title) => labels.map((label) => `${plain(title)}<br>${plain(label, 60)}`)),
          hovertemplate: "%{customdata}<br>%{z:.3f}<extra></extra>",
          xgap: 1, ygap: 1, hoverongaps: false,
          ...(gain ? { zmin: -most, zmax: most, colorscale: scale } : { colorscale: plainScale, reversescale: !up }),
          showscale: false,
        },
      ],
      layout: {
        ...base,
        width,
        margin: { l: 8, r: slanted ? 60 : 12, t: 8, b: 8 },
        xaxis: {
          ...axisOf(base, ""), showgrid: false, showline: false, ticks: "", side: "top", tickangle: slanted ? -45 : 0,
          tickvals: labels.map((_, k) => k), ticktext: labels.map((label) => plain(label, 24)),
        },
        yaxis: {
          ...axisOf(base, ""), showgrid: false, showline: false, ticks: "", autorange: "reversed",
          tickvals: titles.map((_, k) => k), ticktext: titles.map((title) => plain(title, 26)),
        },
      },
      caption: gain
        ? `Mean gain in ${name} over the baseline; ${data.verdicts.map((told) => told.join(" ")).join(", ")}; empty where a strategy did not finish.`
        : `Mean ${name}; empty where a strategy did not finish.`,
      words: `${titles.length} strategies by ${labels.length} data sets; largest mean: ${titles[0]}.`,
      table: {
        heads: ["strategy", ...labels],
        rows: titles.map((title) => [title, ...rows.get(title).map((value) => fixed(value, 3, gain))]),
      },
    };
  },
};

/** The colours of the heat map from its lowest to its highest value. */
function drawScale(colours, [low, high], signed) {
  byId("heat-scale").replaceChildren(
    fixed(low, 2, signed),
    el("span", { class: "bar", style: `background:linear-gradient(to right, ${colours.join(", ")})` }),
    fixed(high, 2, signed),
  );
}

/** The rankings by the chosen metric, of the chosen model or of all. */
const rankingsShown = () =>
  data.rankings[chosen.metric].filter((ranking) => !chosen.model || ranking.model === chosen.model);

/** Average ranks with the critical difference, Demšar 2006, fig. 1; a list where names are many. */
const criticalDifference = {
  id: "ranks",
  title: "Average ranks",
  wide: true,
  draw() {
    const shown = rankingsShown();
    const ranking = shown[Math.min(chosen.ranking, shown.length - 1)];
    if (!ranking) return { empty: "No ranks: they need several data sets with one model." };
    if (ranking.reason) return { empty: ranking.reason };
    const names = ranking.texts.map(([name]) => name);
    const width = byId("ranks").clientWidth;
    const isList = names.length > 20 || width <= 560;
    return {
      ...(isList ? rankList : rankDiagram)(ranking, names),
      caption: `${ranking.title}. ${ranking.notes.join(" ")}${isList ? " Shaded: within the critical difference of the best." : ""}`,
      words: `Best average rank: ${names[0]}, ${fixed(ranking.ranks[0], 2)}.`,
      table: { heads: ranking.heads, rows: ranking.texts },
    };
  },
};

function rankDiagram({ ranks, cd, cliques: spans }, names) {
  const base = baseLayout(0);
  const n = names.length;
  const half = Math.ceil(n / 2);
  const rank = (place) => ranks[place];
  const top = spans.length * 0.32 + 0.5; // depth at which the first name stands
  const shapes = [];
  const annotations = [];
  const line = (x0, y0, x1, y1, more = {}) =>
    shapes.push({ type: "line", x0, y0, x1, y1, line: { color: base.ink, width: 1 }, ...more });
  for (let place = 0; place < n; place += 1) {
    const left = place < half;
    const depth = -(top + (left ? place : n - 1 - place) * 0.62);
    const edge = left ? 1 - n * 0.01 : n + n * 0.01;
    line(rank(place), 0, rank(place), depth);
    line(rank(place), depth, edge, depth);
    annotations.push({
      x: edge, y: depth, xanchor: left ? "right" : "left", showarrow: false, font: { size: 12.5, color: base.ink },
      text: `${plain(names[place], 22)} <span style="color:${base.soft}">${fixed(rank(place), 2)}</span>`,
    });
  }
  spans.forEach(([first, last], k) => {
    const depth = -(0.3 + k * 0.32);
    line(rank(first) - 0.04, depth, rank(last) + 0.04, depth, { line: { color: base.ink, width: 4 } });
  });
  if (Number.isFinite(cd)) {
    line(1, 0.75, 1 + cd, 0.75, { line: { color: base.ink, width: 2 } });
    annotations.push({
      x: 1 + cd / 2, y: 0.75, yanchor: "bottom", showarrow: false,
      text: `critical difference ${fixed(cd, 2)}`, font: { size: 12, color: base.ink },
    });
  }
  const depth = top + half * 0.62;
  const room = n * 0.28;
  return {
    traces: [
      {
        type: "scatter", mode: "markers", x: ranks, y: ranks.map(() => 0),
        marker: { color: base.ink, size: 6 },
        text: names.map((name) => plain(name)), hovertemplate: "%{text}: %{x:.2f}<extra></extra>",
      },
    ],
    layout: {
      ...base,
      height: 90 + (depth + 1.6) * 34,
      margin: { l: 8, r: 8, t: 24, b: 8 },
      shapes, annotations,
      xaxis: {
        ...axisOf(base, ""), range: [1 - room, n + room], side: "top", showgrid: false, anchor: "free", position: 1,
        tickvals: Array.from({ length: n }, (_, k) => k + 1), showline: false,
      },
      yaxis: { visible: false, range: [-depth, 1.4], fixedrange: true },
    },
  };
}

function rankList({ ranks, cd }, names) {
  const base = baseLayout(Math.max(180, names.length * 20 + 90));
  const shaded = { type: "rect", x0: ranks[0], x1: ranks[0] + cd, yref: "paper", y0: 0, y1: 1, line: { width: 0 }, fillcolor: base.soft, opacity: 0.15 };
  return {
    traces: [
      {
        type: "scatter", mode: "markers", x: ranks, y: names.map((_, k) => k),
        marker: { color: base.ink, size: 7 }, hovertemplate: "%{x:.2f}<extra></extra>",
      },
    ],
    layout: {
      ...base,
      shapes: Number.isFinite(cd) ? [shaded] : [],
      xaxis: axisOf(base, "average rank"),
      yaxis: {
        ...axisOf(base, ""), autorange: "reversed", ticks: "",
        tickvals: names.map((_, k) => k), ticktext: names.map((name) => plain(name, 24)),
      },
    },
  };
}

function addOverview() {
  const tools = el(
    "div",
    { class: "figure-tools" },
    el(
      "label",
      {},
      "Colour",
      el(
        "select",
        { id: "heat-field", on: { change: (event) => { chosen.heat = event.target.value; drawFigures(); } } },
        option("gain", "gain over the baseline"),
        option("mean", "mean"),
      ),
    ),
    el("span", { id: "heat-scale", class: "soft" }),
    el(
      "label",
      {},
      "Ranks of",
      el("select", { id: "ranking", on: { change: (event) => { chosen.ranking = Number(event.target.value); drawFigures(); } } }),
    ),
  );
  const ranks = data.rankings.some((rankings) => rankings.length) ? [criticalDifference] : [];
  addSection("overview", "Across data sets", null, [heatMap, ...ranks], tools);
}
