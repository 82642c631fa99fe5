// Puts the page together. Needs everything before it.

function fillControls() {
  const names = (key) => [...new Set(data.blocks.map((block) => block[key]))].sort((a, b) => a.localeCompare(b));
  const fill = (id, all, values) => {
    byId(id).replaceChildren(
      ...(values.length > 1 ? [option("", all)] : []),
      ...values.map((value) => option(value, value)),
    );
    byId(id).value = chosen[id];
  };
  const stages = data.stages.filter((stage) => data.blocks.some((block) => block.rows.some((row) => row.stages?.includes(stage))));
  // One comparison at first: a reader of thirty data sets asks for them all.
  chosen.dataset = data.blocks[0].dataset;
  chosen.model = data.blocks[0].model;
  fill("dataset", "All data sets", names("dataset"));
  fill("model", "All models", names("model"));
  fill("stage", "Any stage", stages);
  byId("stage").prepend(...(stages.length === 1 ? [option("", "Any stage")] : []));
  byId("stage").value = "";
  byId("verdict").replaceChildren(option("", "Any verdict"), ...data.verdicts.map((told, place) => option(String(place), told.join(" "))));
  byId("metric").replaceChildren(...data.metrics.map(({ name }, j) => option(String(j), name)));
  byId("metric").value = String(chosen.metric);
}

/** Draw everything that depends on the choice. */
function update() {
  rowsShown = ROWS_AT_FIRST;
  const blocks = blocksShown();
  if (!blocks.length) {
    byId("count").textContent = "No results for this data set with this model.";
    byId("board-scroll").replaceChildren();
    byId("board-notes").replaceChildren();
    byId("show-more").hidden = true;
    for (const id of ["figures", "first", "confusion", "counts"]) byId(id).hidden = true;
    byId("verdicts").replaceChildren();
    byId("more-verdicts").hidden = true;
    byId("about").hidden = true;
    return;
  }
  byId("figures").hidden = byId("first").hidden = false;
  byId("about").hidden = false;
  drawAnswer();
  drawTable();
  drawFigures();
  drawAbout();
}

function listen() {
  const onChange = (id, handler) => byId(id).addEventListener("change", (event) => handler(event.target.value));
  const place = (key) => (value) => {
    chosen[key] = value;
    chosen.block = 0;
    chosen.ranking = 0;
    chosen.classLabel = null;
    update();
  };
  onChange("dataset", place("dataset"));
  onChange("model", place("model"));
  onChange("metric", (value) => {
    chosen.metric = Number(value);
    update();
  });
  for (const key of ["stage", "verdict"]) {
    onChange(key, (value) => {
      chosen[key] = value;
      update();
    });
  }
  let waiting = null;
  byId("search").addEventListener("input", (event) => {
    chosen.search = event.target.value;
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("show-more").addEventListener("click", () => {
    rowsShown += ROWS_AT_FIRST;
    drawTable();
  });
  byId("theme").addEventListener("click", () => {
    theme.toggle();
    drawTheme();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTheme);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar changes the height alone
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawFigures, 120);
  });
  addEventListener("beforeprint", () => {
    theme.printing = true;
    drawAll();
  });
  addEventListener("afterprint", () => {
    theme.printing = false;
    drawFigures();
  });
}

function drawTheme() {
  byId("theme").hidden = false;
  byId("theme").textContent = theme.dark ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", `Switch to ${theme.dark ? "light" : "dark"} colours`);
  if (data.blocks.length) drawFigures();
}

function scope() {
  const distinct = (values) => new Set(values).size;
  const rows = data.blocks.flatMap((block) => block.rows);
  const folds = data.blocks.reduce((sum, block) => sum + block.rows.filter(isDone).length * block.folds.length, 0);
  const broken = rows.filter((row) => status(row) !== "ok").length;
  return [
    count(distinct(data.blocks.map((block) => block.dataset)), "data set"),
    count(distinct(data.blocks.map((block) => block.model)), "model"),
    count(distinct(rows.map((row) => row.label)), "strategy", "strategies"),
    `up to ${count(Math.max(0, ...data.blocks.map((block) => block.folds.length)), "fold")} each`,
    ...(broken ? [`${count(broken, "cell")} skipped or failed`] : []),
  ].join(" · ");
}

theme.restore();
byId("problems").replaceChildren(...data.problems.map((line) => el("p", { class: "warn" }, line)));
if (data.blocks.length) {
  byId("scope").textContent = scope();
  fillControls();
  addForest();
  if (data.blocks.length > 1) addOverview();
  addCurves();
  addDetails();
  for (const id of ["controls", "leaderboard", "about"]) byId(id).hidden = false;
  update();
  listen();
}
drawTheme();
