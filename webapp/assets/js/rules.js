// The editor of a decision table: dmn-js inside the page's own form. Saving is the form's plain submit, with the
// table put into its file field; while somebody edits, the server's check is asked and shown beside the table.
import EditingManager from "dmn-js-shared/lib/base/EditingManager";
import { is } from "dmn-js-shared/lib/util/ModelUtil";
import DecisionTableEditor from "dmn-js-decision-table/lib/Editor";
import { translateModule } from "./rules-words.js";

const PAUSE_MS = 700; // without a change, before the check is asked

class TableEditor extends EditingManager {
  _getViewProviders() {
    const opens = (element) => is(element, "dmn:Decision") && is(element.decisionLogic, "dmn:DecisionTable");
    return [{ id: "decisionTable", constructor: DecisionTableEditor, opens }];
  }
}

const box = document.querySelector("[data-editor]");
if (box && matchMedia("(width >= 960px)").matches) edit(box);

async function edit(box) {
  box.hidden = false;
  const form = document.querySelector(box.dataset.form);
  const canvas = box.querySelector("[data-canvas]");
  const editor = new TableEditor({
    container: canvas,
    height: "auto",
    decisionTable: { additionalModules: [translateModule] },
  });
  const typed = document.querySelector("[data-typed]");
  try {
    await editor.importXML(typed ? typed.value : await loaded(box.dataset.file));
  } catch {
    say(box, box.dataset.unreadable);
    canvas.hidden = true;
    return;
  }
  form.hidden = true; // the upload is for those without this editor
  watch({ box, form, editor, dirty: Boolean(typed) });
  box.dataset.ready = "yes";
}

async function loaded(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.text();
}

function watch(work) {
  const stack = work.editor.getActiveViewer().get("commandStack");
  const state = { ...work, stack, timer: 0, asked: 0 };
  const changed = () => {
    state.dirty = true;
    say(state.box, state.box.dataset.unsaved);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => check(state), PAUSE_MS);
  };
  work.editor.getActiveViewer().on("elements.changed", changed);
  if (state.dirty) changed();
  state.box.querySelector("[data-undo]").addEventListener("click", () => stack.canUndo() && stack.undo());
  state.box.querySelector("[data-redo]").addEventListener("click", () => stack.canRedo() && stack.redo());
  state.box.querySelector("[data-save]").addEventListener("click", (event) => save(state, event));
  window.addEventListener("beforeunload", (event) => state.dirty && event.preventDefault());
  document.addEventListener("click", jump);
}

// What is being typed is not in the model until its cell loses the focus.
async function asFile({ editor }) {
  document.activeElement?.blur();
  const { xml } = await editor.saveXML({ format: true });
  return new File([xml], "table.dmn", { type: "application/xml" });
}

async function save(state, event) {
  event.preventDefault();
  const held = new DataTransfer();
  held.items.add(await asFile(state));
  state.form.elements.namedItem("file").files = held.files;
  state.dirty = false;
  event.target.disabled = true;
  state.form.requestSubmit();
}

async function check(state) {
  const asked = (state.asked += 1);
  const { xml } = await state.editor.saveXML({ format: true });
  const data = new FormData(state.form);
  data.set("file", new File([xml], "table.dmn"));
  try {
    const answer = await fetch(state.box.dataset.check, { method: "POST", body: data });
    if (!answer.ok || asked !== state.asked) return; // a newer question is on its way
    document.querySelector("#check").innerHTML = await answer.text();
    state.box.dataset.checked = String(asked);
  } catch {
    say(state.box, state.box.dataset.offline);
  }
}

function jump(event) {
  const link = event.target.closest("[data-jump]");
  const cell = link && document.querySelector(`.editor [data-row-id="${CSS.escape(link.dataset.jump)}"]`);
  if (!cell) return;
  event.preventDefault();
  document.querySelectorAll(".editor tr.hit").forEach((row) => row.classList.remove("hit"));
  const row = cell.closest("tr");
  row.classList.add("hit");
  row.scrollIntoView({ block: "center" });
}

function say(box, text) {
  box.querySelector("[data-state]").textContent = text;
}
