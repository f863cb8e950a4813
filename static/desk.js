// Keys, local times and small courtesies. Every page works without this file.

const typing = (target) => target.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=hidden])");
const one = (selector, root = document) => root.querySelector(selector);

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.title = `${at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })}, your time`;
  }
}

// The queue: a marked row, moved with j and k.

function rows() {
  return [...document.querySelectorAll("[data-page=queue] .rows tbody tr")];
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains("on"));
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  for (const row of all) row.classList.toggle("on", row === next);
  one("a.t", next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

const queueKeys = {
  j: () => move(1),
  k: () => move(-1),
  o: () => one(".rows tr.on a.t")?.click(),
  u: () => one("[data-key=u]")?.click(),
};

// The proposal: a key does what the button beside it does.

function ask(text) {
  const bar = one("#decide > div");
  const hint = one(".hint", bar) ?? bar.appendChild(Object.assign(document.createElement("span"), { className: "hint" }));
  hint.setAttribute("role", "alert");
  hint.textContent = text;
}

// A second press that was meant for the page before must not decide this one.
const opened = performance.now();
const SETTLE_MS = 600;

function approve() {
  const button = one("#decide [data-key=a]");
  if (button?.disabled && button.title) return ask(button.title);
  if (!button || button.disabled) return;
  if (performance.now() - opened < SETTLE_MS) return ask("This is the next one. Press a again once you read it.");
  const read = one("#decide [name=flags_read]");
  if (read && !read.checked) {
    read.closest("label").classList.add("asked");
    read.focus();
    ask("It is flagged: read the warnings, tick that you did, then approve.");
  } else if (edited()) {
    openEditor();
    ask("You edited the text. Approve with edits, or take them back.");
  } else {
    button.form.requestSubmit(button);
  }
}

function edited() {
  const fields = [...document.querySelectorAll("#edit-path, #edit-text")];
  return Boolean(one("#edit[data-edited]")) || fields.some((field) => field.value !== field.defaultValue);
}

function openEditor() {
  const edit = one("#edit");
  if (!edit) return;
  edit.open = true;
  one("#edit-text").focus();
}

function takeBack() {
  for (const field of document.querySelectorAll("#edit-path, #edit-text")) field.value = field.defaultValue;
  one("#preview").replaceChildren();
  one("[data-revert]").hidden = true;
}

function startRejecting() {
  const reason = one("#reason");
  if (!reason) return;
  reason.dataset.rejects ??= reason.placeholder;
  reason.placeholder = "Why not? 1–9 a usual reason; Ctrl+Enter rejects";
  reason.focus();
  const usual = one("#reasons");
  if (usual && !reason.value) usual.open = true;
}

// Only in the reason, and only when `r` led there: so it costs no more than approving, and cannot approve.
function rejectNow() {
  const button = one("#decide [value=reject]");
  button.form.requestSubmit(button);
}

// A usual reason is a text to begin with: it is put where it can be read and amended, and nothing is sent yet.
function giveReason(radio) {
  const reason = one("#reason");
  reason.value = radio.closest("label").querySelector("span").textContent;
  radio.checked = false;
  one("#reasons").open = false;
  if (!reason.dataset.rejects) startRejecting();
  reason.focus();
}

function openSnooze() {
  const menu = one("#snooze-menu");
  if (!menu) return one("[data-key=s]")?.click();
  menu.open = true;
  one("button", menu).focus();
}

function comment() {
  const body = one("#comment-body");
  if (!body) return one("a[data-key=x]")?.click();
  const folded = body.closest("details");
  if (folded) folded.open = true;
  body.focus();
}

const digit = (event) => (/^[1-9]$/.test(event.key) ? Number(event.key) : 0);

// Digits choose in an open menu, or a reason while none is typed. True when one was chosen.
function chose(event) {
  const menu = one("#snooze-menu[open]");
  if (menu) {
    const button = menu.querySelectorAll("button")[digit(event) - 1];
    button?.click();
    return Boolean(button);
  }
  const radio = one(`#reasons [value="${digit(event)}"]`);
  const rejects = event.target.dataset?.rejects && !event.target.value;
  if (!radio || !(rejects || one("#reasons[open]"))) return false;
  giveReason(radio);
  return true;
}

const follow = (selector) => () => one(selector)?.click();

const proposalKeys = {
  j: follow("a[rel=next]"),
  k: follow("a[rel=prev]"),
  q: follow("a[data-key=q]"),
  x: follow("a[data-key=x]"),
  c: comment,
  s: openSnooze,
  u: follow("[data-key=u]"),
  a: approve,
  e: openEditor,
  r: startRejecting,
};

function onKey(event) {
  const sheet = one("#keys");
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll(".pop[open]")) menu.open = false;
    if (typing(event.target)) return event.target.blur();
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.dataset?.rejects) return rejectNow();
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (one("dialog[open]")) return;
  if (digit(event) && (!typing(event.target) || event.target.id === "reason") && chose(event)) return event.preventDefault();
  if (typing(event.target)) return;
  if (event.key === "?" && sheet) return sheet.showModal();
  const act = (one("[data-page=queue]") ? queueKeys : proposalKeys)[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// One decision a page: a second click or key while the first is on its way does nothing.
function onSubmit(event) {
  const form = event.target.closest("#decide");
  if (!form) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  leaving = true;
}

let leaving = false;

function onClick(event) {
  for (const pop of document.querySelectorAll(".pop[open]")) {
    if (!pop.contains(event.target) && event.target.id !== "reason") pop.open = false;
  }
  const menu = one(".who[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
  const link = event.target.closest("a[data-key=e]");
  if (link) {
    event.preventDefault();
    openEditor();
  } else if (event.target.closest("#edit a.button")) {
    leaving = true;
  } else if (event.target.closest("[data-revert]")) {
    takeBack();
  }
}

function onInput(event) {
  if (event.target.id === "reason" && event.target.value) one("#reasons")?.removeAttribute("open");
  if (event.target.matches("#reasons [type=radio]")) return giveReason(event.target);
  if (!event.target.matches("#edit-path, #edit-text")) return;
  const back = one("[data-revert]");
  if (back) back.hidden = !edited();
}

function onLeave(event) {
  const reason = event.target;
  if (!reason.dataset?.rejects) return;
  if (one("#reasons")?.contains(event.relatedTarget)) return;
  reason.placeholder = reason.dataset.rejects;
  delete reason.dataset.rejects;
}

document.addEventListener("keydown", onKey);
document.addEventListener("focusout", onLeave);
document.addEventListener("submit", onSubmit);
document.addEventListener("click", onClick);
document.addEventListener("input", onInput);
document.addEventListener("htmx:afterSwap", (event) => showLocalTimes(event.target));
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  leaving = false; // back from the browser's memory: it may be sent again
  delete one("#decide")?.dataset.sent;
});
addEventListener("beforeunload", (event) => {
  if (!leaving && edited()) event.preventDefault();
});
showLocalTimes(document);
one("#error")?.scrollIntoView({ block: "nearest" });
