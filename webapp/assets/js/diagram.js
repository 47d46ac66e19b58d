// The live diagram of one stage: the path taken, the current step, and nothing that can be changed.
import NavigatedViewer from "bpmn-js/lib/NavigatedViewer";

const PLAIN = new Set(["bpmn:UserTask", "bpmn:ServiceTask", "bpmn:BusinessRuleTask"]); // their lane says who
const SCALE = 0.8;
const WIDE = 700; // below this many pixels the whole stage would be illegible: show the live step at 80 %

for (const box of document.querySelectorAll("[data-diagram]")) draw(box);

async function draw(box) {
  const viewer = new NavigatedViewer({ container: box, textRenderer: fonts() });
  try {
    const [answer] = await Promise.all([fetch(box.dataset.diagram), document.fonts.ready]);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    await viewer.importXML(await answer.text());
  } catch {
    box.replaceChildren(Object.assign(document.createElement("p"), { className: "diagram-words", textContent: box.dataset.failed }));
    return;
  }
  mark(viewer, box);
  count(viewer, box);
  fit(viewer, box);
  box.dataset.drawn = "yes";
}

function fonts() {
  const fontFamily = getComputedStyle(document.body).fontFamily;
  return { defaultStyle: { fontFamily, fontSize: 13 }, externalStyle: { fontFamily, fontSize: 12 } };
}

function mark(viewer, box) {
  const canvas = viewer.get("canvas");
  const registry = viewer.get("elementRegistry");
  const path = JSON.parse(box.dataset.took);
  const took = new Set(path);
  const live = JSON.parse(box.dataset.live);
  if ("waits" in box.dataset) live.push(...waitedFor(registry, path)); // nobody has a step: what follows is waited for
  const lanes = JSON.parse(box.dataset.lanes);
  for (const shape of registry.filter((each) => PLAIN.has(each.type))) canvas.addMarker(shape, "plain-task");
  const pairs = new Set(path.map((id, place) => `${id} ${path[place + 1] ?? ""}`));
  const opens = (from, target) => (target.flowElements ?? []).some((each) => pairs.has(`${from} ${each.id}`)); // a frame
  const goesOn = (from, to) => pairs.has(`${from} ${to}`) || (live.includes(to) && from === path.at(-1));
  for (const flow of registry.filter((each) => each.type === "bpmn:SequenceFlow")) {
    const { sourceRef, targetRef } = flow.businessObject;
    if (goesOn(sourceRef.id, targetRef.id) || opens(sourceRef.id, targetRef)) canvas.addMarker(flow, "took");
  }
  for (const id of took) if (registry.get(id)) canvas.addMarker(id, "took");
  box.dataset.live = JSON.stringify(live);
  for (const id of live) {
    if (!registry.get(id)) continue;
    canvas.addMarker(id, "live");
    const lane = narrow(box) && lanes[id] ? ` · ${lanes[id]}` : ""; // its lane's name is out of sight there
    const words = Object.assign(document.createElement("div"), { className: "here", textContent: box.dataset.here + lane });
    viewer.get("overlays").add(id, { position: { top: -24, left: 0 }, html: words });
  }
}

// On the page of a process: how many instances wait where, and a click that opens the step's row in the table.
function count(viewer, box) {
  const registry = viewer.get("elementRegistry");
  for (const [id, number] of Object.entries(JSON.parse(box.dataset.counts ?? "{}"))) {
    if (!registry.get(id)) continue;
    const html = Object.assign(document.createElement("div"), { className: "here", textContent: number });
    viewer.get("overlays").add(id, { position: { top: -10, right: 14 }, html });
  }
  if (!box.dataset.steps) return;
  viewer.get("eventBus").on("element.click", ({ element }) => {
    const row = document.querySelector(`${box.dataset.steps} [id="step-${CSS.escape(element.id.replace(/_label$/, ""))}"]`);
    if (row) location.hash = row.id;
  });
}

function narrow(box) {
  return box.clientWidth <= WIDE;
}

function waitedFor(registry, path) {
  const [last] = path.slice(-1);
  const flows = registry.filter((each) => each.type === "bpmn:SequenceFlow" && each.businessObject.sourceRef.id === last);
  return flows.map((each) => each.businessObject.targetRef).filter((each) => !each.$type.endsWith("Gateway")).map((each) => each.id);
}

function fit(viewer, box) {
  const canvas = viewer.get("canvas");
  const [live] = JSON.parse(box.dataset.live);
  const known = live && viewer.get("elementRegistry").get(live);
  if (!narrow(box) || !known) {
    const { inner } = canvas.viewbox();
    const height = Math.ceil((inner.height * box.clientWidth) / inner.width) + 24;
    if (!narrow(box)) box.style.height = `${Math.min(Math.max(height, 220), 560)}px`;
    canvas.resized();
    canvas.zoom("fit-viewport", "auto");
    return;
  }
  const [width, height] = [box.clientWidth / SCALE, box.clientHeight / SCALE];
  canvas.viewbox({ x: known.x + known.width / 2 - width / 2, y: known.y + known.height / 2 - height / 2, width, height });
}
