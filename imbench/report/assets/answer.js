// The answer: sentences, and what the baseline and the recommended strategy do in counts.
// Needs base.js and data.js.

const SENTENCES_AT_FIRST = 6;

function drawAnswer() {
  const blocks = blocksShown();
  const gains = (block) => block.rows.some((row, i) => verdictOf(block, i)?.word === "better");
  const item = (block) => el("li", { class: gains(block) ? "gain" : null }, block.verdicts[chosen.metric]);
  const rest = blocks.slice(SENTENCES_AT_FIRST);
  byId("verdicts").replaceChildren(...blocks.slice(0, SENTENCES_AT_FIRST).map(item));
  byId("more-verdicts").hidden = !rest.length;
  byId("more-verdicts").querySelector("summary").textContent = `${count(rest.length, "more comparison")}`;
  byId("more-verdicts").querySelector("ul").replaceChildren(...rest.map(item));
  const words = data.summaries[chosen.metric];
  byId("summary").hidden = !words;
  byId("summary").textContent = words;
  drawCounts();
}

/** What is counted as found: the minority of two classes, or all rare ones. */
const rareName = (block) => (block.classes?.length === 2 ? block.classes[block.minority] : "rare classes");

const whole = (n) => Math.round(n).toLocaleString("en");

/** `finds 74 of 100, 654 false alarms among 5,174`; empty without counts. */
function countsText(row) {
  if (!row.counts?.length) return "";
  const [found, all, alarms, others] = row.counts;
  return `finds ${whole(found)} of ${whole(all)}, ${count(Math.round(alarms), "false alarm")} among ${whole(others)}`;
}

/** Two small tables beside the answer, of one block: the baseline and the recommended strategy. */
function drawCounts() {
  const blocks = blocksShown();
  const [block] = blocks;
  const pair = blocks.length === 1 ? [baselineRow(block), recommended(block)] : [];
  const shown = pair.filter((i) => i >= 0 && block.rows[i].counts?.length);
  byId("counts").replaceChildren(...shown.map((i) => countsTable(block, i)));
  byId("counts").hidden = !shown.length;
}

function countsTable(block, i) {
  const row = block.rows[i];
  const [found, all, alarms, others] = row.counts;
  const told = verdictOf(block, i);
  const name = rareName(block);
  const cell = (n, word, kind) => el("td", { class: kind }, el("strong", {}, whole(n)), ` ${word}`);
  return el(
    "table",
    { class: "counts" },
    el(
      "caption",
      {},
      el("strong", {}, ...breakable(row.title)),
      told ? el("span", { class: told.kind }, ` ${told.mark} ${told.word}`) : i === baselineRow(block) ? " baseline" : "",
    ),
    el("thead", {}, el("tr", {}, el("td", {}), el("th", { scope: "col" }, "predicted"), el("th", { scope: "col" }, "not predicted"))),
    el(
      "tbody",
      {},
      el("tr", {}, el("th", { scope: "row" }, name), cell(found, "found", "hit"), cell(all - found, "missed", "fault")),
      el("tr", {}, el("th", { scope: "row" }, "others"), cell(alarms, "false alarms", "fault"), cell(others - alarms, "left alone", "")),
    ),
  );
}
