// Precision-recall, ROC, reliability and cost curves, and the strategies that they overlay.
// Needs base.js, data.js and figures.js. All four are drawn from the counts of the same thresholds.

/** Counts of a row's curve of the chosen class, summed up from steps; null where it has none. */
function curveOf(block, row) {
  const label = classChosen(block);
  const found = block.rows[row].curves?.find((curve) => curve.label === label);
  if (!found) return null;
  const sum = (steps) => steps.reduce((all, step) => [...all, all.at(-1) + step], [0]);
  const [n_positive, n_negative] = found.n;
  const tp = sum(found.tp);
  const fp = sum(found.fp);
  return {
    ...found,
    tp, fp,
    recall: tp.map((value) => value / n_positive),
    fallOut: fp.map((value) => value / n_negative),
    prevalence: n_positive / (n_positive + n_negative),
  };
}

/** The class that curves are about: the chosen one where the block has it. */
function classChosen(block) {
  const labels = classesWithCurves(block);
  return labels.includes(chosen.classLabel) ? chosen.classLabel : labels[0];
}

/** Labels that some row has a curve of; the minority stands first. */
function classesWithCurves(block) {
  return [...new Set(block.rows.flatMap((row) => (row.curves ?? []).map((curve) => curve.label)))];
}

const className = (block) => block.classes[classChosen(block)];

/** Recall and false positive rate of the decisions as they were made; null if the class is joined. */
function decided(block, row) {
  const place = block.shown.indexOf(className(block));
  const side = block.shown.length;
  const cells = block.rows[row].confusion;
  if (place < 0) return null;
  let [tp, fn, fp, tn] = [0, 0, 0, 0];
  for (let i = 0; i < side; i += 1) {
    for (let j = 0; j < side; j += 1) {
      const n = cells[i * side + j];
      if (i === place && j === place) tp += n;
      else if (i === place) fn += n;
      else if (j === place) fp += n;
      else tn += n;
    }
  }
  return { recall: tp / (tp + fn), fallOut: fp / (fp + tn), precision: tp / (tp + fp) };
}

/** The baseline is drawn last: dashed, it hides no curve that runs under it. */
const baselineLast = (block, rows) => [...rows].sort((a, b) => isBaseline(block, a) - isBaseline(block, b));
const isBaseline = (block, { row }) => row === baselineRow(block);

const UNDEFINED = "No curve: the class is absent, alone, or the scores are not finite.";
const POOLED = "Folds pooled, at most 40 thresholds kept";

/** Traces of one kind of curve for every overlaid strategy. */
function overlay(block, rows, points, marker) {
  const traces = [];
  const values = [];
  for (const line of baselineLast(block, rows)) {
    const curve = curveOf(block, line.row);
    if (!curve) continue;
    const [x, y] = points(curve);
    traces.push({
      type: "scatter", mode: "lines", name: plain(line.title), x, y,
      line: { color: line.color, dash: line.dash, width: 2 },
      hovertemplate: `%{y:.3f} at %{x:.3f}<extra>${plain(line.title)}</extra>`,
    });
    values.push(...x.map((value, k) => [line.title, fixed(value), fixed(y[k])]));
    const point = marker && decided(block, line.row);
    if (point) {
      const [px, py] = marker(point);
      traces.push({
        type: "scatter", mode: "markers", x: [px], y: [py],
        marker: { color: line.color, size: 9, symbol: "circle-open", line: { width: 2 } },
        hovertemplate: `as decided: %{y:.3f} at %{x:.3f}<extra>${plain(line.title)}</extra>`,
      });
    }
  }
  return { traces, values };
}

/** A layout of two shares whose axes fit the values of traces. */
function fittedShares(base, traces, xTitle, yTitle) {
  const all = (key) => traces.flatMap((trace) => [...trace[key]]);
  return {
    ...base,
    xaxis: axisOf(base, xTitle, { range: unitRange(all("x")) }),
    yaxis: axisOf(base, yTitle, { range: unitRange(all("y")) }),
  };
}

/** False positive rate up to which curves differ: from there on each has all but 1 % of the class. */
function lastFallOut(block, rows) {
  const told = rows.map(({ row }) => [curveOf(block, row), decided(block, row)]).filter(([curve]) => curve);
  const ends = told.flatMap(([{ recall, fallOut }, point]) => [fallOut[recall.findIndex((value) => value >= 0.99)], point?.fallOut ?? 0]);
  return Math.min(1, Math.max(0.02, 1.15 * Math.max(...ends)));
}

function areas(block, rows, key, name) {
  const told = rows
    .map(({ row, title }) => [title, curveOf(block, row)])
    .filter(([, curve]) => curve)
    .map(([title, curve]) => `${title} ${fixed(curve[key])}`);
  return `${name}: ${told.join(", ")}.`;
}

const precisionRecall = {
  id: "precision-recall",
  overlays: true,
  title: "Precision and recall",
  draw(block, rows) {
    const base = baseLayout(360);
    const { traces, values } = overlay(
      block, rows,
      ({ tp, fp, recall }) => [recall.slice(1), tp.slice(1).map((n, k) => n / (n + fp[k + 1]))],
      ({ recall, precision }) => [recall, precision],
    );
    if (!traces.length) return { empty: UNDEFINED };
    const { prevalence } = rows.map(({ row }) => curveOf(block, row)).find(Boolean);
    const layout = fittedShares(base, traces, "recall", "precision");
    traces.unshift({
      type: "scatter", mode: "lines", x: [0, 1], y: [prevalence, prevalence],
      line: { color: base.soft, width: 1, dash: "dot" }, hoverinfo: "skip",
    });
    return {
      traces,
      layout,
      caption: `Class ${className(block)} against the rest. ${POOLED}. Circle: decisions as made. Chance has a precision of ${fixed(prevalence)} (dotted).`,
      words: areas(block, rows, "ap", "Average precision"),
      table: { heads: ["strategy", "recall", "precision"], rows: values },
    };
  },
};

const roc = {
  id: "roc",
  overlays: true,
  title: "ROC",
  draw(block, rows) {
    const base = baseLayout(360);
    const { traces, values } = overlay(
      block, rows,
      ({ fallOut, recall }) => [fallOut, recall],
      ({ recall, fallOut }) => [fallOut, recall],
    );
    if (!traces.length) return { empty: UNDEFINED };
    traces.unshift({
      type: "scatter", mode: "lines", x: [0, 1], y: [0, 1],
      line: { color: base.soft, width: 1, dash: "dot" }, hoverinfo: "skip",
    });
    const end = lastFallOut(block, rows);
    return {
      traces,
      layout: {
        ...base,
        xaxis: axisOf(base, "false positive rate", { range: unitRange([0, end]) }),
        yaxis: axisOf(base, "true positive rate", { range: [-0.015, 1.015] }),
      },
      caption:
        `Class ${className(block)} against the rest. ${POOLED}. Circle: decisions as made.` +
        (end < 0.99 ? ` The axis ends at ${fixed(end, 2)}, where curves are flat.` : ""),
      words: areas(block, rows, "auc", "Area"),
      table: { heads: ["strategy", "false positive rate", "true positive rate"], rows: values },
    };
  },
};

const reliability = {
  id: "reliability",
  overlays: true,
  title: "Reliability",
  draw(block, rows) {
    const base = baseLayout(360);
    const traces = [
      {
        type: "scatter", mode: "lines", x: [0, 1], y: [0, 1],
        line: { color: base.soft, width: 1, dash: "dot" }, hoverinfo: "skip",
      },
    ];
    const values = [];
    for (const { row, title, color, dash } of baselineLast(block, rows)) {
      const curve = curveOf(block, row);
      if (!curve) continue;
      const x = curve.bins.map(([, , mean]) => mean);
      const y = curve.bins.map(([n, positive]) => positive / n);
      const most = Math.max(...curve.bins.map(([n]) => n));
      traces.push({
        type: "scatter", mode: "lines+markers", x, y, name: plain(title),
        line: { color, dash, width: 2 },
        marker: { color, size: curve.bins.map(([n]) => 4 + 7 * Math.sqrt(n / most)) },
        customdata: curve.bins.map(([n]) => n),
        hovertemplate: `score %{x:.2f}: %{y:.2f} of %{customdata} rows<extra>${plain(title)}</extra>`,
      });
      values.push(...curve.bins.map(([n, positive, mean]) => [title, fixed(mean), fixed(positive / n), n]));
    }
    if (!values.length) return { empty: UNDEFINED };
    return {
      traces,
      layout: fittedShares(base, traces.slice(1), "mean score of the bin", "share that is of the class"),
      caption: "Ten bins of equal width, folds pooled; a larger dot holds more rows. Below the diagonal scores are too high.",
      words: `Observed share of class ${className(block)} against its score.`,
      table: { heads: ["strategy", "mean score", "share of the class", "rows"], rows: values },
    };
  },
};

/** Probability cost: the share of the class's errors in what all errors can cost. */
const probabilityCost = (ratio, prevalence) => (ratio * prevalence) / (ratio * prevalence + 1 - prevalence);

/** Expected cost as a share of the largest possible, Drummond and Holte 2006, doi:10.1007/s10994-006-8199-5. */
const expectedCost = (recall, fallOut, pc) => (1 - recall) * pc + fallOut * (1 - pc);

/** The x axis of cost curves: values that are drawn and the probability cost that each stands for. */
function costAxis(prevalence) {
  if (chosen.costs === "prevalence") {
    const x = Array.from({ length: 81 }, (_, k) => k / 80);
    return { x, pc: x };
  }
  const x = Array.from({ length: 81 }, (_, k) => 10 ** (-2 + (5 * k) / 80));
  return { x, pc: x.map((ratio) => probabilityCost(ratio, prevalence)) };
}

const costCurves = {
  id: "costs",
  overlays: true,
  title: "Expected cost",
  draw(block, rows) {
    const base = baseLayout(360);
    const first = rows.map(({ row }) => curveOf(block, row)).find(Boolean);
    if (!first) return { empty: UNDEFINED };
    const { x, pc } = costAxis(first.prevalence);
    const traces = [
      {
        type: "scatter", mode: "lines", x, y: pc.map((value) => Math.min(value, 1 - value)),
        line: { color: base.soft, width: 1, dash: "dot" }, hoverinfo: "skip",
      },
    ];
    const values = [];
    for (const { row, title, color, dash } of baselineLast(block, rows)) {
      const curve = curveOf(block, row);
      if (!curve) continue;
      const best = pc.map((value) =>
        Math.min(...curve.recall.map((recall, k) => expectedCost(recall, curve.fallOut[k], value))),
      );
      const point = decided(block, row);
      const made = point ? pc.map((value) => expectedCost(point.recall, point.fallOut, value)) : [];
      const name = plain(title);
      if (point) {
        traces.push({
          type: "scatter", mode: "lines", x, y: made, name, opacity: 0.65,
          line: { color, width: 1.2 },
          hovertemplate: `as decided %{y:.3f}<extra>${name}</extra>`,
        });
      }
      traces.push({
        type: "scatter", mode: "lines", x, y: best, name,
        line: { color, dash, width: 2.2 },
        hovertemplate: `best threshold %{y:.3f}<extra>${name}</extra>`,
      });
      for (let k = 0; k < x.length; k += 8) {
        values.push([title, x[k].toPrecision(3), fixed(best[k]), point ? fixed(made[k]) : "–"]);
      }
    }
    const byRatio = chosen.costs === "ratio";
    const xTitle = byRatio ? "cost of a missed row : cost of a false alarm" : "prevalence, at equal costs";
    return {
      traces,
      layout: {
        ...base,
        xaxis: axisOf(base, xTitle, byRatio ? { type: "log", dtick: 1 } : { range: [-0.01, 1.01] }),
        yaxis: axisOf(base, "normalised expected cost", { rangemode: "tozero" }),
      },
      caption:
        `Cost curves after Drummond and Holte (2006) of class ${className(block)}${byRatio ? ` at its share of ${fixed(first.prevalence)}` : ""}. ` +
        "Thick: the best threshold at each point, picked on these rows and so a little hopeful. Thin: decisions as made. Dotted: one class always.",
      words: `Expected cost over ${byRatio ? "the ratio of costs" : "prevalence"}.`,
      table: { heads: ["strategy", byRatio ? "ratio" : "prevalence", "best threshold", "as decided"], rows: values },
    };
  },
};

/** Chips of the strategies in the figures and the choices above them. */
function drawTools() {
  const block = figureBlock();
  drawChips(block);
  const shown = new Set(overlaid(block));
  const rest = ranked(block).filter((i) => !shown.has(i)).map((i) => block.rows[i].title);
  fillSelect("add-strategy", [["", "Add a strategy"], ...rest.map((title) => [title, title])], "", 0);
  const labels = classesWithCurves(block);
  fillSelect("class", labels.map((label) => [String(label), block.classes[label]]), String(classChosen(block) ?? ""));
  const blocks = blocksShown();
  fillSelect("block", blocks.map((other, i) => [String(i), other.title]), String(blocks.indexOf(block)));
  if (byId("ranking")) {
    const rankings = rankingsShown();
    fillSelect("ranking", rankings.map(({ title }, i) => [String(i), title]), String(Math.min(chosen.ranking, rankings.length - 1)));
  }
  byId("figures-about").textContent = `On ${block.title}. Every figure from here on shows these strategies.`;
}

/** Options of a choice, which is hidden where there is nothing to choose. */
function fillSelect(id, options, value, least = 2) {
  byId(id).replaceChildren(...options.map(([key, text]) => option(key, text)));
  byId(id).value = value;
  byId(id).parentElement.hidden = options.length < least;
}

function drawChips(block) {
  for (const list of document.querySelectorAll(".chips")) {
    list.replaceChildren(
      ...lines(block).map(({ title, color, dash }) =>
        el(
          "li",
          {},
          swatch(color, dash),
          el("span", {}, title),
          el(
            "button",
            { type: "button", "aria-label": `Remove ${title} from the figures`, on: { click: remove(title) } },
            "×",
          ),
        ),
      ),
    );
  }
}

/** Take a strategy out of the figures; the focus stays at the same place of the same list. */
function remove(title) {
  return (event) => {
    const list = event.currentTarget.closest(".chips");
    const place = [...list.querySelectorAll("button")].indexOf(event.currentTarget);
    change(title, false);
    const left = list.querySelectorAll("button");
    (left[Math.min(place, left.length - 1)] ?? byId("add-strategy")).focus();
  };
}

function change(title, shown) {
  choose(figureBlock(), title, shown);
  drawFigures();
  syncBoxes();
}

/** A short line in the colour and dash of a strategy. */
function swatch(color, dash) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "line");
  const patterns = { solid: "none", dash: "6 3", dot: "2 2", dashdot: "6 2 2 2" };
  for (const [key, value] of Object.entries({ width: 24, height: 8, "aria-hidden": "true" })) svg.setAttribute(key, value);
  const look = { x1: 0, x2: 24, y1: 4, y2: 4, stroke: color, "stroke-width": 3, "stroke-dasharray": patterns[dash] };
  for (const [key, value] of Object.entries(look)) line.setAttribute(key, value);
  svg.append(line);
  return svg;
}

function addCurves() {
  const onChange = (id, handler) => ({ id, on: { change: (event) => handler(event.target.value) } });
  const tools = el(
    "div",
    {},
    el("p", { class: "soft", id: "figures-about" }),
    el("ul", { class: "chips", "aria-label": "Strategies in the figures" }),
    el(
      "div",
      { class: "figure-tools" },
      el("label", {}, "Add to the figures", el("select", onChange("add-strategy", (value) => value && change(value, true)))),
      el("label", {}, "Class", el("select", onChange("class", (value) => {
        chosen.classLabel = Number(value);
        drawFigures();
      }))),
      el("label", {}, "Costs over", el("select", onChange("cost-axis", (value) => {
        chosen.costs = value;
        drawFigures();
      }), option("ratio", "ratio of costs"), option("prevalence", "prevalence"))),
    ),
  );
  addSection("curves", "Scores and thresholds", null, [precisionRecall, roc, reliability, costCurves], tools);
}
