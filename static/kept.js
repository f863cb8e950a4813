// What was typed when the log-in had ended waits in this tab, and is put back once its proposal is open again.

const FIELDS = { "kept-reason": "reason", "kept-path": "edit-path", "kept-text": "edit-text" };
const element = (id) => document.getElementById(id);

function keep(page) {
  const typed = {};
  for (const [from, to] of Object.entries(FIELDS)) {
    if (element(from)) typed[to] = element(from).value;
  }
  sessionStorage.setItem(`typed-${page.dataset.proposal}`, JSON.stringify(typed));
}

function giveBack(form) {
  const name = `typed-${form.getAttribute("action").match(/\d+/)[0]}`;
  const typed = JSON.parse(sessionStorage.getItem(name) ?? "null");
  if (!typed) return;
  sessionStorage.removeItem(name);
  for (const [id, text] of Object.entries(typed)) {
    if (element(id)) element(id).value = text;
  }
  if ("edit-text" in typed && element("edit")) element("edit").open = true;
  const hint = Object.assign(document.createElement("span"), { className: "hint", role: "alert" });
  hint.textContent = "You were signed out before this was sent. What you typed is here again; nothing was decided.";
  form.querySelector("div").append(hint);
}

const page = document.querySelector("[data-page=signed-out]");
const form = element("decide");
if (page) keep(page);
else if (form) giveBack(form);

// A preview that finds nobody signed in must not take the page away, and with it what is being typed.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.target.id !== "preview" || !event.detail.xhr.getResponseHeader("HX-Redirect")) return;
  event.preventDefault();
  event.detail.target.textContent = "You are signed out. What you typed stays: it is given back when you send it and sign in.";
});
