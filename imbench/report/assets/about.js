// Commands, versions, hardware and warnings of the shown blocks. Needs base.js and data.js.

const BLOCKS_AT_FIRST = 3;

function drawAbout() {
  const blocks = blocksShown();
  const rest = blocks.slice(BLOCKS_AT_FIRST);
  const more = el(
    "details",
    { on: { toggle: (event) => fillOnce(event.target, rest) } },
    el("summary", {}, count(rest.length, "more comparison")),
    el("div", {}),
  );
  byId("about-body").replaceChildren(
    ...blocks.slice(0, BLOCKS_AT_FIRST).map(aboutBlock),
    ...(rest.length ? [more] : []),
  );
}

function fillOnce(details, blocks) {
  const body = details.querySelector("div");
  if (details.open && !body.hasChildNodes()) body.append(...blocks.map(aboutBlock));
}

function aboutBlock(block) {
  const facts = (title, entries) =>
    Object.keys(entries).length
      ? el(
          "div",
          {},
          el("h4", {}, title),
          el("dl", {}, ...Object.entries(entries).flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])),
        )
      : null;
  return el(
    "div",
    { class: "about" },
    el("h3", {}, block.title),
    block.read.length ? el("ul", { class: "plain-list" }, ...block.read.map((line) => el("li", {}, line))) : null,
    ...block.commands.map((line) => el("pre", { tabindex: "0" }, line)),
    block.uncommanded.length
      ? el("p", { class: "soft" }, `No command is known for ${block.uncommanded.join(", ")}: their configuration is in cell.json.`)
      : null,
    el("div", { class: "facts" }, facts("Versions", block.versions), facts("Hardware", block.hardware)),
    el("details", {}, el("summary", {}, "Configuration"), facts("Shared by all strategies", block.config)),
    block.warnings.length
      ? el(
          "details",
          {},
          el("summary", {}, `Warnings (${block.warnings.length})`),
          el("ul", { class: "plain-list soft" }, ...block.warnings.map(([line, titles]) => el("li", {}, `${titles.join(", ")}: ${line}`))),
        )
      : null,
  );
}
