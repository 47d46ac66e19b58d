// Forms: one submit per click, the source's own fields, the look-up's choice, and nothing lost when offline.

export function guardForms() {
  document.addEventListener("submit", markSubmitting);
  document.addEventListener("change", showFieldsInPlace);
  document.addEventListener("click", takeCustomer);
  document.addEventListener("click", takeOver);
  document.addEventListener("click", copyTyped);
  document.addEventListener("htmx:after:swap", showAll);
  window.addEventListener("pageshow", (event) => event.persisted && document.querySelectorAll("[data-busy]").forEach(release));
  showAll();
}

function markSubmitting(event) {
  const form = event.target;
  if (form.method === "dialog" || form.hasAttribute("hx-post") || form.method === "get") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (!button) return;
  button.dataset.busy = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = button.dataset.wait || document.body.dataset.wait;
}

function release(button) {
  button.textContent = button.dataset.busy;
  button.removeAttribute("aria-disabled");
  delete button.dataset.busy;
  if (button.form) delete button.form.dataset.sent;
}

// A field with data-when="name=value|value&other=value" is shown while each named field is and has one of its values.
// Hidden fields are sent: a page that comes back brings their values along, and the server hands in only what is shown.
function showFieldsInPlace(event) {
  if (event.target.form) showFields(event.target.form);
}

function showAll() {
  document.querySelectorAll("form[data-live]").forEach(showFields);
}

function showFields(form) {
  const values = new FormData(form);
  const left = new Set(form.querySelectorAll("[data-when]"));
  const holds = (condition) => {
    const [name, wanted] = condition.split("=");
    return wanted.split("|").includes(values.get(name) ?? "");
  };
  for (let found = true; found; ) {
    found = [...left].find((field) => !field.dataset.when.split("&").every(holds));
    if (!found) break;
    found.hidden = true;
    found.querySelectorAll("[name]").forEach((input) => values.delete(input.name)); // what hangs on it is hidden, too
    left.delete(found);
  }
  left.forEach((field) => (field.hidden = false));
  // A step that none of the given answers leads to stays away: data-left names the answers that leave before it.
  for (const step of form.querySelectorAll("[data-left]")) step.hidden = step.dataset.left.split("&").some(holds);
  nameButton(form);
}

// The one button names the act that is chosen: 受理, 转派, 退回服务台.
function nameButton(form) {
  const button = form.querySelector("[data-follows]");
  if (!button || button.dataset.busy) return;
  const steps = [...form.querySelectorAll("[data-submit]")].filter((step) => !step.hidden);
  button.dataset.neutral = steps.at(-1)?.dataset.submit || button.dataset.neutral || button.textContent;
  const chosen = [...form.querySelectorAll(":checked")].find((input) => input.name === button.dataset.follows);
  button.textContent = chosen?.nextElementSibling?.firstChild?.textContent?.trim() || button.dataset.neutral;
}

function takeCustomer(event) {
  const button = event.target.closest("[data-customer]");
  if (!button) return;
  const form = button.form ?? button.closest("form");
  fillIn(form, JSON.parse(button.dataset.customer));
  const list = button.closest("[data-found]");
  list.replaceChildren();
  form.elements.namedItem(list.dataset.next)?.focus();
}

// What a similar incident or a former solution offers goes into the form; without this script the server does it.
function takeOver(event) {
  const button = event.target.closest("[data-take]");
  if (!button) return;
  event.preventDefault();
  const filled = fillIn(button.form, JSON.parse(button.value));
  filled.at(-1)?.focus();
}

function fillIn(form, values) {
  const filled = [];
  for (const [name, value] of Object.entries(values)) {
    const found = form.elements.namedItem(name);
    if (!found) continue;
    const first = found instanceof RadioNodeList ? found[0] : found;
    if (found instanceof RadioNodeList) found.value = value;
    else if (found.type === "checkbox") found.checked = Boolean(value) && value !== "false";
    else found.value = value ?? "";
    filled.push(first);
  }
  showFields(form);
  filled.at(-1)?.dispatchEvent(new Event("input", { bubbles: true }));
  return filled;
}

async function copyTyped(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const whole = document.querySelector(button.dataset.copy);
  const lines = whole instanceof HTMLTextAreaElement ? [whole.value] : [];
  for (const field of document.querySelectorAll(`${button.dataset.copy} .field`)) {
    const label = field.querySelector("label, .label")?.firstChild?.textContent?.trim();
    const chosen = field.querySelector("input:checked");
    const input = chosen ? null : field.querySelector("select, textarea, input:not([type=radio], [type=checkbox])");
    const value = chosen?.nextElementSibling?.textContent ?? input?.selectedOptions?.[0]?.text ?? input?.value;
    if (label && value && !field.hidden) lines.push(`${label}：${value.trim()}`);
  }
  await navigator.clipboard.writeText(lines.join("\n"));
  button.textContent = document.body.dataset.copied;
}
