// How long a proposal was in view and which evidence was opened, told when the page leaves the view.
// Nothing is lost without it: the time is then not known.

const IDLE_MS = 120_000; // so long nothing moved: nobody reads
let page, since, heard, seen, opened;

function begin() {
  page = document.querySelector("[data-reading]");
  since = document.visibilityState === "visible" ? performance.now() : null;
  heard = performance.now();
  seen = 0;
  opened = new Set();
}

function count() {
  const now = performance.now();
  if (since !== null) seen += Math.max(0, Math.min(now, heard + IDLE_MS) - since);
  since = now;
}

function tell() {
  if (!page) return;
  count();
  const seconds = Math.round(seen / 1000);
  if (!seconds && !opened.size) return;
  const body = new FormData();
  body.append("csrfmiddlewaretoken", page.dataset.token);
  body.append("seconds", seconds);
  body.append("evidence", opened.size);
  fetch(page.dataset.reading, { method: "POST", body, keepalive: true, credentials: "same-origin" }).catch(() => {});
  seen = 0;
  opened.clear();
}

function onMove() {
  count();
  heard = performance.now();
}

for (const kind of ["pointermove", "keydown", "scroll", "wheel", "touchmove"]) {
  addEventListener(kind, onMove, { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    tell();
    since = null;
  } else {
    since = heard = performance.now();
  }
});
addEventListener("pagehide", tell);
for (const kind of ["click", "auxclick"]) {
  document.addEventListener(kind, (event) => {
    const link = event.target.closest?.("#evidence figcaption a[href]");
    if (link) opened.add(link.href);
  });
}
document.addEventListener("htmx:beforeSwap", tell);
document.addEventListener("htmx:afterSettle", () => {
  if (document.querySelector("[data-reading]") !== page) begin();
});
begin();
