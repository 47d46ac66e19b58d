// One-letter keys. They never fire inside a field, nor with a modifier, and each person can switch them off.
let waitingForPlace = false;
let inList = false; // where the focus was before a swap

export function listenForKeys() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("change", rememberSwitch);
  const box = document.querySelector("[data-keys-switch]");
  if (box) box.checked = !isOff();
  markRow(rows()[0]);
  document.addEventListener("htmx:after:swap", () => {
    markRow(marked() ?? document.activeElement.closest("tr[data-row]") ?? rows()[0]);
    keepFocus();
  });
  document.addEventListener("focusin", (event) => (inList = Boolean(event.target.closest("[data-rows]"))));
}

function isOff() {
  return localStorage.getItem("keys") === "off";
}

function rememberSwitch(event) {
  if (event.target.matches("[data-keys-switch]")) localStorage.setItem("keys", event.target.checked ? "on" : "off");
}

function inField(target) {
  return target.isContentEditable || target.closest("input:not([type=radio], [type=checkbox]), textarea, select");
}

function pressed(event) {
  if (event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return press(event, "[data-key='submit']");
  if (event.altKey && /^Digit[1-9]$/.test(event.code)) return pickSource(event);
  if (event.key === "Escape") return leave(event);
  if (event.ctrlKey || event.metaKey || event.altKey || isOff() || inField(event.target)) return;
  const key = event.key.toLowerCase();
  if (waitingForPlace) return goTo(event, key);
  const act = ACTS[key] ?? (/^[1-5]$/.test(key) ? (e) => follow(e, document.querySelectorAll(".tabs a")[key - 1]) : null);
  act?.(event);
}

const ACTS = {
  "/": (event) => focusOn(event, document.querySelector("[data-key='search']")),
  "?": (event) => openHelp(event),
  n: (event) => follow(event, document.querySelector("[data-key='report']")),
  g: () => { waitingForPlace = true; setTimeout(() => (waitingForPlace = false), 1500); },
  j: (event) => move(event, 1),
  k: (event) => move(event, -1),
  enter: (event) => document.activeElement === document.body && follow(event, marked()?.querySelector("a.title")),
  c: (event) => marked()?.querySelector("[data-key='claim']")?.click() ?? press(event, "[data-key='claim-this']"),
  x: (event) => press(event, "[data-rows] tr.on [data-mark]"),
  w: (event) => openSheet(event, "hold"),
  m: (event) => focusOn(event, document.querySelector("[data-key='comment']")),
};

function goTo(event, key) {
  waitingForPlace = false;
  follow(event, document.querySelector(`[data-goto='${CSS.escape(key)}']`));
}

function follow(event, link) {
  if (!link) return;
  event.preventDefault();
  link.click();
}

function press(event, selector) {
  const button = document.querySelector(selector);
  if (!button) return;
  event.preventDefault();
  button.click();
}

function focusOn(event, input) {
  if (!input) return;
  event.preventDefault();
  input.focus();
}

function openSheet(event, name) {
  const sheet = document.querySelector(`details[data-sheet='${name}']`);
  if (!sheet) return;
  event.preventDefault();
  sheet.open = true;
  sheet.querySelector("select, input:not([type=hidden]), textarea")?.focus();
}

function openHelp(event) {
  event.preventDefault();
  document.querySelector("#keys")?.showModal();
}

function leave(event) {
  const open = [...document.querySelectorAll("details[open]")].pop();
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (inField(event.target)) event.target.blur();
}

function pickSource(event) {
  const choices = document.querySelectorAll("[data-alt-digits] input[type=radio]");
  const choice = choices[Number(event.code.slice(-1)) - 1];
  if (!choice) return;
  event.preventDefault();
  choice.focus();
  choice.click();
}

function rows() {
  return [...document.querySelectorAll("[data-rows] tr[data-row]")];
}

function marked() {
  return document.querySelector("[data-rows] tr.on");
}

function markRow(row) {
  if (!row) return;
  marked()?.classList.remove("on");
  row.classList.add("on");
}

// The row that had the focus may have left the list: the focus goes to the marked one instead of nowhere.
function keepFocus() {
  if (inList && document.activeElement === document.body) marked()?.querySelector("a.title").focus({ preventScroll: true });
}

function move(event, by) {
  const all = rows();
  if (!all.length) return;
  event.preventDefault();
  const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(marked()) + by))];
  markRow(next);
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a.title").focus({ preventScroll: true });
}
