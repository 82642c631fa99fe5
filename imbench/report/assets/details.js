// One data set and model: folds, time, recalls, class sizes and confusion matrices.
// Needs base.js, data.js and figures.js.

const foldDifferences = {
  id: "folds",
  overlays: true,
  title: "Fold by fold",
  draw(block, rows) {
    const baseline = baselineRow(block);
    const { name, up } = data.metrics[chosen.metric];
    if (baseline < 0) return { empty: `No differences: ${noGains(block)}` };
    const told = rows.filter(({ row }) => row !== baseline);
    if (!told.length) return { empty: "Add a strategy other than the baseline to see its differences." };
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
      values.push([title, "mean", fixed(mean, 3, true) + (known ? ` ${rangeText(low, high)}` : "")]);
    });
    const one = block.folds.length === 1;
    return {
      traces,
      layout: {
        ...base,
        xaxis: axisOf(base, `gain in ${name} over ${plain(block.rows[baseline].title)}`, {}),
        yaxis: {
          ...axisOf(base, ""), range: [told.length - 0.4, -0.6], ticks: "", showgrid: false,
          tickvals: told.map((_, k) => k), ticktext: told.map(({ title }) => plain(title, 22)),
        },
      },
      caption: one
        ? "One fold: the interval is about these fitted models; the variance of training is not in it."
        : `Dots: each fold against ${block.rows[baseline].title} on the same rows. Diamond: mean with its simultaneous 95 % interval.`,
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
    const { key } = data.metrics[chosen.metric];
    const bounds = all.map((i) => (point(i) && block.rows[i].interval?.[key]) || [NaN, NaN]);
    const isRoomy = all.length <= 12 && byId("time").clientWidth > 480;
    const means = all.map((i) => stat(block, i, "mean"));
    const times = all.map((i) => Math.log10(block.rows[i].fit_s));
    const room = Math.max(0.15, 0.18 * (Math.max(...times) - Math.min(...times))); // for the names
    const range = [Math.min(...times) - room, Math.max(...times) + room];
    return {
      traces: [
        {
          type: "scatter", mode: "markers+text",
          x: all.map((i) => block.rows[i].fit_s), y: means,
          error_y: {
            type: "data", symmetric: false, thickness: 1, width: 3, color: base.soft,
            array: bounds.map(([, high], k) => (Number.isFinite(high) ? high - means[k] : 0)),
            arrayminus: bounds.map(([low], k) => (Number.isFinite(low) ? means[k] - low : 0)),
            visible: bounds.some(([low]) => Number.isFinite(low)),
          },
          text: all.map((i) => (point(i) || isRoomy ? plain(block.rows[i].title, 22) : "")),
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
      caption:
        "Every strategy of this data set and model; a logarithmic axis. Seconds are those of the machine below." +
        (bounds.some(([low]) => Number.isFinite(low)) ? " Bars: 95 % intervals, each for its strategy alone." : ""),
      words: `${count(all.length, "strategy", "strategies")}.`,
      table: {
        heads: ["strategy", "fit s", name],
        rows: all.map((i) => [block.rows[i].title, seconds(block.rows[i].fit_s), fixed(stat(block, i, "mean"))]),
      },
    };
  },
};

/** Names of classes stand upright where they fit. */
const slant = (names) => (names.join("  ").length > 60 ? -45 : 0);

const recalls = {
  id: "recalls",
  overlays: true,
  title: "Recall of each class",
  draw(block, rows) {
    const told = rows.filter(({ row }) => block.rows[row].recall?.length);
    if (!told.length) return { empty: "Nothing finished here." };
    const names = block.shown.slice(0, block.rows[told[0].row].recall.length);
    const base = baseLayout(360);
    const values = [];
    const traces = told.map(({ row, title, color }, k) => {
      const found = block.rows[row].recall;
      values.push(...found.map(([share, low, high, n], c) => [title, names[c], fixed(share), `${fixed(low)} to ${fixed(high)}`, n]));
      return {
        type: "scatter", mode: "markers", name: plain(title), marker: { color, size: 8 },
        x: found.map((_, c) => c + (0.7 * (k + 0.5)) / told.length - 0.35), y: found.map(([share]) => share),
        error_y: {
          type: "data", symmetric: false, color, thickness: 1.5, width: 3,
          array: found.map(([share, , high]) => high - share), arrayminus: found.map(([share, low]) => share - low),
        },
        hovertemplate: `%{y:.3f}<extra>${plain(title)}</extra>`,
      };
    });
    return {
      wide: names.length > 4,
      traces,
      layout: {
        ...base,
        xaxis: {
          ...axisOf(base, "class"), showgrid: false, tickvals: names.map((_, c) => c),
          ticktext: names.map((name) => plain(name, 14)), tickangle: slant(names),
        },
        yaxis: axisOf(base, "recall", { range: unitRange(told.flatMap(({ row }) => block.rows[row].recall.flatMap(([share, low, high]) => [share, low, high]))) }),
      },
      caption: "Over all test rows, each counted once, with Wilson's 95 % interval.",
      words: `Recall of ${count(names.length, "class", "classes")}.`,
      table: { heads: ["strategy", "class", "recall", "95 % interval", "rows"], rows: values },
    };
  },
};

const classSizes = {
  id: "classes",
  title: "Class sizes before and after",
  draw(block, rows) {
    if (!block.before?.length) return { empty: "The folds do not say how many rows of each class they held." };
    const base = baseLayout(340);
    const told = rows.filter(({ row, title }) => block.rows[row].after?.length && row !== baselineRow(block));
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
          tickangle: slant(names),
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
  byId("confusion").hidden = !rows.length;
  node.replaceChildren(...rows.map(({ row, title }) => matrix(block, row, title)));
}

/** Strategies crossed with decision rules: what is left of a gain where both have the rule. */
function drawCrossings() {
  const block = figureBlock();
  const name = data.metrics[metricIndex(data.sort)].name;
  byId("crossing").hidden = !block.crossings.length;
  byId("crossings").replaceChildren(
    textTable(
      ["strategy", "rule", `gain in ${name}`, "gain of the rule alone", "gain with the rule on both [95\u00a0%]", "p"],
      block.crossings.map(([strategy, rule, own, alone, beyond, low, high, p]) => [
        strategy, rule, fixed(own, 3, true), fixed(alone, 3, true), `${fixed(beyond, 3, true)} ${rangeText(low ?? NaN, high)}`.trim(),
        pText(p),
      ]),
    ),
  );
}

function matrix(block, row, title) {
  const side = block.shown.length;
  const { confusion, repeats } = block.rows[row];
  const cells = confusion.map((n) => Math.round(n / repeats)); // each row once
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

function addDetails() {
  const tools = el("ul", { class: "chips", "aria-label": "Strategies in these figures" });
  addSection("details", "Gains, time and classes", null, [foldDifferences, time, recalls, classSizes], tools);
  byId("figures").append(
    el(
      "section",
      { id: "crossing", "aria-labelledby": "crossing-title" },
      el("h2", { id: "crossing-title" }, "Is it only a moved threshold?"),
      el(
        "p",
        { class: "soft" },
        "A strategy may gain by nothing but where scores become labels. Then a decision rule alone gains as much, and with the rule on both nothing is left.",
      ),
      el("div", { id: "crossings", class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "crossing-title" }),
    ),
  );
}
