// Heat map, critical difference, confusion matrices, class sizes, folds and time.
// Needs base.js, data.js, figures.js and curves.js.

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
        if (!isDone(row) || !passes(row) || (field === "gain" && row.label === data.baseline)) return;
        if (!rows.has(row.title)) {
          rows.set(row.title, blocks.map(() => NaN));
          verdicts.set(row.title, blocks.map(() => ""));
        }
        rows.get(row.title)[k] = stat(block, i, field);
        verdicts.get(row.title)[k] = { 1: "▲", "-1": "▼" }[stat(block, i, "verdict")] ?? "";
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
      return { empty: field === "gain" ? "No gains: run strategy=none as well, to compare with doing nothing." : "Nothing finished here." };
    }
    const labels = blocks.map((block) => (several ? block.title : block.title.replace(` · ${block.model}`, "")));
    const height = Math.max(190, titles.length * 21 + 130);
    const base = baseLayout(height);
    const z = titles.map((title) => rows.get(title));
    const most = Math.max(...z.flat().filter((value) => !Number.isNaN(value)).map(Math.abs), 0.05);
    const scale = theme.dark
      ? [[0, "#d8695a"], [0.5, "#24282d"], [1, "#3fa06f"]]
      : [[0, "#b8402f"], [0.5, "#f6f5f0"], [1, "#1d7a4c"]];
    const plainScale = theme.dark ? [[0, "#1d2126"], [1, "#6fa8e8"]] : [[0, "#f3f5f8"], [1, "#1f5fa8"]];
    const gain = field === "gain";
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
          colorbar: {
            orientation: "h", thickness: 9, len: 240, lenmode: "pixels", y: -0.02, yanchor: "top", x: 0, xanchor: "left",
            title: { text: gain ? `gain in ${name}` : name, side: "bottom" }, outlinewidth: 0, tickfont: { color: base.soft },
          },
        },
      ],
      layout: {
        ...base,
        width: Math.min(byId("heat").clientWidth, 300 + 110 * labels.length),
        margin: { l: 8, r: labels.length > 4 ? 70 : 12, t: 8, b: 60 },
        xaxis: {
          ...axisOf(base, ""), showgrid: false, showline: false, ticks: "", side: "top", tickangle: labels.length > 4 ? -45 : 0,
          tickvals: labels.map((_, k) => k), ticktext: labels.map((label) => plain(label, 24)),
        },
        yaxis: {
          ...axisOf(base, ""), showgrid: false, showline: false, ticks: "", autorange: "reversed",
          tickvals: titles.map((_, k) => k), ticktext: titles.map((title) => plain(title, 26)),
        },
      },
      caption: gain
        ? `Mean gain in ${name} over doing nothing; ▲ better, ▼ worse by the test of the leaderboard; empty where a strategy did not finish.`
        : `Mean ${name}; empty where a strategy did not finish.`,
      words: `${titles.length} strategies by ${labels.length} data sets; largest mean: ${titles[0]}.`,
      table: {
        heads: ["strategy", ...labels],
        rows: titles.map((title) => [title, ...rows.get(title).map((value) => fixed(value, 3, gain))]),
      },
    };
  },
};

/** Average ranks with the critical difference, Demšar 2006, fig. 1; a list where names are many. */
const criticalDifference = {
  id: "ranks",
  title: "Average ranks",
  wide: true,
  draw() {
    const ranks = data.ranks[data.metrics[chosen.metric].key];
    const { name } = data.metrics[chosen.metric];
    if (!ranks) return { empty: `No ranks in ${name}: they need several data sets with the same strategies.` };
    const order = ranks.names.map((_, i) => i).sort((i, j) => ranks.average[i] - ranks.average[j]);
    const width = byId("ranks").clientWidth;
    const drawRanks = order.length <= 20 && width > 560 ? rankDiagram : rankList;
    return {
      ...drawRanks(ranks, order),
      caption: ranks.note,
      words: `Best average rank: ${ranks.names[order[0]]}, ${fixed(ranks.average[order[0]], 2)}.`,
      table: {
        heads: ["strategy", "average rank"],
        rows: order.map((i) => [ranks.names[i], fixed(ranks.average[i], 2)]),
      },
    };
  },
};

/** First and last place, in the order of ranks, of each group that cannot be told apart. */
function cliqueSpans(ranks, order) {
  return ranks.cliques.map((names) => {
    const places = names.map((name) => order.findIndex((i) => ranks.names[i] === name));
    return [Math.min(...places), Math.max(...places)];
  });
}

function rankDiagram(ranks, order) {
  const base = baseLayout(0);
  const n = order.length;
  const half = Math.ceil(n / 2);
  const spans = cliqueSpans(ranks, order);
  const rank = (place) => ranks.average[order[place]];
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
      text: `${plain(ranks.names[order[place]], 22)} <span style="color:${base.soft}">${fixed(rank(place), 2)}</span>`,
    });
  }
  spans.forEach(([first, last], k) => {
    const depth = -(0.3 + k * 0.32);
    line(rank(first) - 0.04, depth, rank(last) + 0.04, depth, { line: { color: base.ink, width: 4 } });
  });
  if (Number.isFinite(ranks.cd)) {
    line(1, 0.75, 1 + ranks.cd, 0.75, { line: { color: base.ink, width: 2 } });
    annotations.push({
      x: 1 + ranks.cd / 2, y: 0.75, yanchor: "bottom", showarrow: false,
      text: `critical difference ${fixed(ranks.cd, 2)}`, font: { size: 12, color: base.ink },
    });
  }
  const depth = top + half * 0.62;
  const room = n * 0.28;
  return {
    traces: [
      {
        type: "scatter", mode: "markers", x: order.map((i) => ranks.average[i]), y: order.map(() => 0),
        marker: { color: base.ink, size: 6 },
        text: order.map((i) => plain(ranks.names[i])), hovertemplate: "%{text}: %{x:.2f}<extra></extra>",
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

function rankList(ranks, order) {
  const base = baseLayout(Math.max(180, order.length * 20 + 90));
  const best = ranks.average[order[0]];
  const shapes = Number.isFinite(ranks.cd)
    ? [{ type: "rect", x0: best, x1: best + ranks.cd, yref: "paper", y0: 0, y1: 1, line: { width: 0 }, fillcolor: base.soft, opacity: 0.15 }]
    : [];
  return {
    traces: [
      {
        type: "scatter", mode: "markers", x: order.map((i) => ranks.average[i]), y: order.map((_, k) => k),
        marker: { color: base.ink, size: 7 }, hovertemplate: "%{x:.2f}<extra></extra>",
      },
    ],
    layout: {
      ...base, shapes,
      xaxis: axisOf(base, "average rank; shaded: within the critical difference of the best", {}),
      yaxis: {
        ...axisOf(base, ""), autorange: "reversed", ticks: "",
        tickvals: order.map((_, k) => k), ticktext: order.map((i) => plain(ranks.names[i], 24)),
      },
    },
  };
}

const foldDifferences = {
  id: "folds",
  title: "Fold by fold",
  draw(block, rows) {
    const baseline = baselineRow(block);
    const { name, up } = data.metrics[chosen.metric];
    if (baseline < 0) return { empty: "No differences: run strategy=none as well, to compare with doing nothing." };
    const told = rows.filter(({ row }) => row !== baseline);
    if (!told.length) return { empty: "Add a strategy other than none to see its differences." };
    const base = baseLayout(Math.max(200, told.length * 46 + 80));
    const traces = [
      { type: "scatter", mode: "lines", x: [0, 0], y: [-0.6, told.length - 0.4], line: { color: base.soft, width: 1 }, hoverinfo: "skip" },
    ];
    const values = [];
    told.forEach(({ row, title, color }, k) => {
      const folds = block.paired[row];
      const gains = folds.map((f) => (up ? 1 : -1) * (foldValue(block, row, f) - foldValue(block, baseline, f)));
      traces.push({
        type: "scatter", mode: "markers", x: gains, y: gains.map((_, f) => k + 0.14 + 0.05 * (f % 3)),
        marker: { color, size: 7, opacity: 0.6 },
        text: folds.map((f) => block.folds[f]), hovertemplate: `fold %{text}: %{x:.3f}<extra>${plain(title)}</extra>`,
      });
      const [mean, low, high] = ["gain", "low", "high"].map((field) => stat(block, row, field));
      const known = !Number.isNaN(low);
      traces.push({
        type: "scatter", mode: "markers", x: [mean], y: [k - 0.12],
        marker: { color, size: 10, symbol: "diamond" },
        error_x: known
          ? { type: "data", symmetric: false, array: [high - mean], arrayminus: [mean - low], color, thickness: 2, width: 5 }
          : { visible: false },
        hovertemplate: `mean %{x:.3f}<extra>${plain(title)}</extra>`,
      });
      values.push(...folds.map((f, i) => [title, block.folds[f], fixed(gains[i], 3, true)]));
      values.push([title, "mean", fixed(mean, 3, true) + (known ? ` [${fixed(low, 3, true)}, ${fixed(high, 3, true)}]` : "")]);
    });
    const one = block.folds.length === 1;
    return {
      traces,
      layout: {
        ...base,
        xaxis: axisOf(base, `gain in ${name} over none`, {}),
        yaxis: {
          ...axisOf(base, ""), range: [told.length - 0.4, -0.6], ticks: "", showgrid: false,
          tickvals: told.map((_, k) => k), ticktext: told.map(({ title }) => plain(title, 22)),
        },
      },
      caption: one
        ? "One fold: no interval, so no difference can be told from chance."
        : "Dots: each fold against none on the same rows. Diamond: mean with its 95 % interval.",
      words: `Gains in ${name} on ${count(block.folds.length, "fold")}.`,
      table: { heads: ["strategy", "fold", "gain"], rows: values },
    };
  },
};

/** Ticks at 1, 2 and 5 of each power of ten in a range of exponents; fewer where it is long. */
function decades([low, high]) {
  const steps = high - low > 2.5 ? [1] : high - low > 1.2 ? [1, 3] : [1, 2, 5];
  const powers = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, k) => Math.floor(low) + k);
  const tickvals = powers.flatMap((power) => steps.map((step) => step * 10 ** power));
  return { tickvals, ticktext: tickvals.map((value) => String(Number(value.toPrecision(3)))) };
}

const time = {
  id: "time",
  title: "Quality against seconds of training",
  draw(block, rows) {
    const { name } = data.metrics[chosen.metric];
    const overlaidRows = new Map(rows.map((line) => [line.row, line]));
    const all = ranked(block).filter((i) => !Number.isNaN(stat(block, i, "mean")) && block.rows[i].fit_s > 0);
    if (!all.length) return { empty: `No strategy has a defined ${name} and a time.` };
    const base = baseLayout(360);
    const point = (i) => overlaidRows.get(i);
    const times = all.map((i) => Math.log10(block.rows[i].fit_s));
    const room = Math.max(0.15, 0.18 * (Math.max(...times) - Math.min(...times))); // for the names
    const range = [Math.min(...times) - room, Math.max(...times) + room];
    return {
      traces: [
        {
          type: "scatter", mode: "markers+text",
          x: all.map((i) => block.rows[i].fit_s), y: all.map((i) => stat(block, i, "mean")),
          text: all.map((i) => (point(i) || all.length <= 12 ? plain(block.rows[i].title, 22) : "")),
          textposition: "top center", textfont: { size: 11 }, cliponaxis: false,
          customdata: all.map((i) => plain(block.rows[i].title)),
          marker: {
            size: all.map((i) => (point(i) ? 10 : 7)),
            color: all.map((i) => point(i)?.color ?? base.soft),
            opacity: all.map((i) => (point(i) ? 1 : 0.55)),
          },
          hovertemplate: `%{customdata}<br>${plain(name)} %{y:.3f}, %{x:.2f} s<extra></extra>`,
        },
      ],
      layout: {
        ...base,
        xaxis: axisOf(base, "seconds of fitting a fold", { type: "log", range, ...decades(range) }),
        yaxis: axisOf(base, `mean ${name}`),
      },
      caption: "Every strategy of this data set and model; a logarithmic axis. Seconds are those of the machine below.",
      words: `${count(all.length, "strategy", "strategies")}.`,
      table: {
        heads: ["strategy", "fit s", name],
        rows: all.map((i) => [block.rows[i].title, seconds(block.rows[i].fit_s), fixed(stat(block, i, "mean"))]),
      },
    };
  },
};

const classSizes = {
  id: "classes",
  title: "Class sizes before and after",
  draw(block, rows) {
    if (!block.before?.length) return { empty: "The folds do not say how many rows of each class they held." };
    const base = baseLayout(340);
    const told = rows.filter(({ row, title }) => block.rows[row].after?.length && block.rows[row].label !== data.baseline);
    const names = block.shown.map((name) => plain(name, 14));
    const bar = (values, name, color) => ({
      type: "bar", x: names.map((_, k) => k), y: values, name: plain(name), marker: { color },
      hovertemplate: `%{y:.0f} rows<extra>${plain(name)}</extra>`,
    });
    const every = [block.before, ...told.map(({ row }) => block.rows[row].after)];
    const positive = every.flat().filter((value) => value > 0);
    const wide = Math.max(...positive) > 50 * Math.min(...positive);
    return {
      wide: names.length > 4,
      traces: [
        bar(block.before, "before", theme.dark ? "#6a717b" : "#b4b9c1"),
        ...told.map(({ row, title, color }) => bar(block.rows[row].after, title, color)),
      ],
      layout: {
        ...base,
        barmode: "group", bargap: 0.25,
        xaxis: {
          ...axisOf(base, "class"), showgrid: false, tickvals: names.map((_, k) => k), ticktext: names,
          tickangle: names.length > 8 ? -45 : 0,
        },
        yaxis: axisOf(base, "rows", wide ? { type: "log" } : {}),
      },
      caption: "Training rows of each class, mean over folds: before any strategy (grey), and what each trained on (nets: rows drawn in an epoch).",
      words: `Before: ${block.shown.map((name, k) => `${name} ${Math.round(block.before[k])}`).join(", ")}.`,
      table: {
        heads: ["class", "before", ...told.map(({ title }) => title)],
        rows: block.shown.map((name, k) => [name, ...every.map((values) => fixed(values[k], 1))]),
      },
    };
  },
};

/** Confusion matrices of the overlaid strategies: tables, so that they can be read aloud. */
function drawMatrices() {
  const block = figureBlock();
  const node = byId("matrices");
  const rows = lines(block).filter(({ row }) => block.rows[row].confusion);
  node.replaceChildren(...rows.map(({ row, title }) => matrix(block, row, title)));
}

function matrix(block, row, title) {
  const side = block.shown.length;
  const cells = block.rows[row].confusion;
  const tint = theme.dark ? "111, 168, 232" : "31, 95, 168";
  const name = (text) => ([...text].length > 14 ? `${[...text].slice(0, 13).join("")}…` : text);
  const line = (i) => {
    const total = cells.slice(i * side, (i + 1) * side).reduce((sum, n) => sum + n, 0);
    return el(
      "tr",
      {},
      el("th", { scope: "row", class: "text", title: block.shown[i] }, name(block.shown[i])),
      ...block.shown.map((_, j) => {
        const n = cells[i * side + j];
        const share = total ? n / total : 0;
        const strong = share > (theme.dark ? 0.75 : 0.55);
        const style = `background:rgba(${tint},${(0.04 + 0.9 * share).toFixed(3)});${strong ? `color:${theme.dark ? "#0c1116" : "#fff"};` : ""}print-color-adjust:exact`;
        return el("td", { style, class: n ? null : "zero", title: `${(100 * share).toFixed(1)} % of the true class` }, n.toLocaleString("en"));
      }),
    );
  };
  return el(
    "div",
    { class: "matrix scroll", tabindex: "0", role: "region", "aria-label": `Confusion matrix of ${title}` },
    el(
      "table",
      {},
      el("caption", {}, title),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { class: "text", scope: "col" }, "true \\ predicted"),
          ...block.shown.map((text) => el("th", { scope: "col", title: text }, name(text))),
        ),
      ),
      el("tbody", {}, ...block.shown.map((_, i) => line(i))),
    ),
  );
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
        option("gain", "gain over none"),
        option("mean", "mean"),
      ),
    ),
  );
  const ranks = Object.keys(data.ranks).length ? [criticalDifference] : [];
  addSection("overview", "Across data sets", null, [heatMap, ...ranks], tools);
}

function addDetails() {
  const tools = el("ul", { class: "chips", "aria-label": "Strategies in these figures" });
  addSection("details", "Gains, time and class sizes", null, [foldDifferences, time, classSizes], tools);
  byId("figures").append(
    el(
      "section",
      { id: "confusion", "aria-labelledby": "confusion-title" },
      el("h2", { id: "confusion-title" }, "Confusion matrices"),
      el("p", { class: "soft" }, "Counts over the pooled folds, shaded by the share of the true class."),
      el("div", { id: "matrices", class: "matrices" }),
    ),
  );
}
