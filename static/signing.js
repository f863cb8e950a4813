// A decision that is to be signed: the key or click that decides leads to the signature, and Ctrl+Enter there sends it.

let pending = null;

// Capturing, so that nothing else takes the form for sent.
function onSubmit(event) {
  const sign = event.target.querySelector("[data-sign]");
  if (!sign || !event.submitter || event.submitter.matches("[data-unsigned]")) return;
  const empty = [...sign.querySelectorAll("input:not([type=hidden])")].find((field) => !field.value);
  if (!empty) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  pending = event.submitter;
  const hint = sign.querySelector(".hint") ?? sign.appendChild(Object.assign(document.createElement("span"), { className: "hint" }));
  hint.setAttribute("role", "alert");
  hint.textContent = `Sign, then Ctrl+Enter: ${pending.firstChild.textContent.trim()}`;
  empty.focus();
}

function onKey(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
  if (!pending || !event.target.closest?.("[data-sign]")) return;
  event.preventDefault();
  pending.form.requestSubmit(pending);
}

document.addEventListener("submit", onSubmit, true);
document.addEventListener("keydown", onKey);
