// Sessions: `/` to search, and keys that walk through a timeline. Every page works without this file.

const typing = (target) => target.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=hidden])");
const one = (selector) => document.querySelector(selector);
const seqOf = (element) => Number(element.id.slice(1));

function here() {
  const at = location.hash.match(/^#e(\d+)$/)?.[1];
  return at ? Number(at) : -1;
}

function show(element) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  const fold = element.querySelector(":scope > details");
  if (fold) fold.open = true;
  for (const before of document.querySelectorAll(".timeline .on")) before.classList.remove("on");
  element.classList.add("on");
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  (element.querySelector("mark") ?? element).scrollIntoView({ block: "center" });
  const address = new URL(location.href);
  for (const name of ["after", "before", "quote"]) address.searchParams.delete(name);
  address.searchParams.set("at", seqOf(element));
  address.hash = element.id;
  history.replaceState(history.state, "", address);
}

// To the next or previous of some events on this page; past its edge, to the page that holds the one after.
function walk(selector, what, step) {
  const all = [...document.querySelectorAll(selector)].sort((a, b) => seqOf(a) - seqOf(b));
  const next = step > 0 ? all.find((e) => seqOf(e) > here()) : all.findLast((e) => seqOf(e) < here());
  if (next) return show(next);
  const beyond = one(`.walk[data-walk=${what}]`)?.dataset[step > 0 ? "beyond" : "before"];
  if (beyond) location.href = beyond;
}

function walkFound(step) {
  if (one(".walk[data-walk=match]")) return walk(".timeline [data-found]", "match", step);
  walk(".timeline > .event", "none", step);
}

const timelineKeys = {
  j: () => walkFound(1),
  k: () => walkFound(-1),
  n: () => walk(".timeline [data-failed]", "error", 1),
  p: () => walk(".timeline [data-failed]", "error", -1),
};

function focusSearch() {
  const field = one("[data-key='/']");
  field?.focus();
  field?.select();
}

// Before desk.js hears of it: there, the same letters mean other things.
function onKey(event) {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target) || one("dialog[open]")) return;
  const act = event.key === "/" ? focusSearch : one("[data-page=timeline]") && timelineKeys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

document.addEventListener("keydown", onKey, true);
