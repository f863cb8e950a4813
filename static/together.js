// A page that stays open asks how its proposal stands, and says what changed. Nothing here decides anything.

const EVERY_MS = 10_000;
const state = document.getElementById("state");

function ask() {
  if (document.visibilityState === "visible") htmx.trigger(state, "poll");
}

function block() {
  if (!state.querySelector("[data-blocks]")) return;
  for (const button of document.querySelectorAll("#decide [value=approve], [data-edit]")) {
    button.disabled = true;
    button.title = "It changed while you had it open. Read it as it is now.";
  }
}

// Signed out meanwhile: the page stays, with all that was typed; leaving it is the reader's choice.
function stay(event) {
  const login = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (!login) return;
  event.preventDefault();
  clearInterval(timer);
  const link = Object.assign(document.createElement("a"), { href: "/", target: "_blank", textContent: "Sign in in another tab" });
  const told = Object.assign(document.createElement("p"), { className: "told blocks" });
  told.append("You are signed out. What you typed is still here. ", link, ", then come back and copy it over.");
  state.replaceChildren(told);
}

let shown = "";

// The same answer again is not news: left alone, it is not read out again.
function onlyNews(event) {
  if (event.detail.target !== state) return;
  event.detail.shouldSwap &&= event.detail.serverResponse !== shown;
  shown = event.detail.serverResponse;
}

let timer;
if (state) {
  timer = setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
  state.addEventListener("htmx:beforeOnLoad", stay);
  state.addEventListener("htmx:beforeSwap", onlyNews);
  state.addEventListener("htmx:afterSwap", block);
}
