// What was typed survives a refusal, a session that ended, and the way over another form of the page: this tab keeps it,
// for this person only, until the page that asked for it is shown again.
const KEY = "typed";
let changed = false;

export function keepTyped() {
  const form = document.querySelector("form[data-keep]");
  giveBack(form);
  document.addEventListener("submit", remember);
  if (!form) return;
  form.addEventListener("input", () => (changed = true));
  if (form.hasAttribute("data-warn")) window.addEventListener("beforeunload", (event) => changed && event.preventDefault());
}

function who() {
  return document.querySelector(".who-menu b")?.textContent ?? "";
}

function remember(event) {
  if (event.target.method !== "post") return;
  if (event.target.action.endsWith("/sign-out")) return sessionStorage.removeItem(KEY);
  const form = document.querySelector("form[data-keep]");
  if (!form || !(event.target === form || changed || form.hasAttribute("data-typed"))) return;
  changed = false; // no warning on the way that was chosen
  const fields = [...new FormData(form)].filter(([name]) => name.includes("."));
  sessionStorage.setItem(KEY, JSON.stringify({ page: form.dataset.keep, who: who(), fields }));
}

function giveBack(form) {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (!kept || !who() || document.querySelector("[data-refused]")) return; // not yet: it is wanted after this page
  sessionStorage.removeItem(KEY);
  if (form?.dataset.keep !== kept.page || kept.who !== who() || form.hasAttribute("data-typed")) return;
  fill(form, kept.fields);
  changed = true;
  form.querySelector("[data-restored]").hidden = false;
}

function fill(form, fields) {
  const given = new Map(fields);
  let last;
  for (const input of form.querySelectorAll("[name*='.']")) {
    const value = given.get(input.name);
    if (input.type === "radio" || input.type === "checkbox") input.checked = value === input.value;
    else if (value !== undefined) {
      const known = input.tagName !== "SELECT" || [...input.options].some((option) => option.value === value);
      if (!known) input.add(new Option(value, value)); // its list depends on another field and comes in a moment
      input.value = value;
    }
    if (input.tagName === "SELECT") last = input;
  }
  (last ?? form.querySelector("[name*='.']"))?.dispatchEvent(new Event("change", { bubbles: true }));
}
