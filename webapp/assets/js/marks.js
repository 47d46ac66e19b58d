// Marks on rows: how many there are, kept over every refresh; filters that apply when they change.

export function keepMarks() {
  const kept = new Set(); // task ids
  const boxes = () => [...document.querySelectorAll("[data-mark]")];
  const idOf = (box) => box.value.split("~")[0];

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-mark]")) {
      event.target.checked ? kept.add(idOf(event.target)) : kept.delete(idOf(event.target));
      say(kept.size);
    }
    if (event.target.form?.matches("[data-narrow]")) event.target.form.requestSubmit();
  });
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches("[data-narrow]")) return;
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name); // a short address
  });
  document.addEventListener("htmx:after:swap", () => {
    const here = new Set(boxes().map(idOf));
    for (const id of kept) if (!here.has(id)) kept.delete(id); // it has left the list
    for (const box of boxes()) box.checked = kept.has(idOf(box));
    say(kept.size);
  });
  for (const box of boxes()) box.checked = false; // a browser that comes back fills in old marks
  say(0);
}

function say(count) {
  const place = document.querySelector("[data-marked]");
  if (!place) return;
  place.dataset.neutral ??= place.textContent;
  place.textContent = count ? place.dataset.count.replace("0", count) : place.dataset.neutral;
  const bar = place.closest("[data-bulk]");
  for (const control of bar.querySelectorAll("button:not([data-close]), select")) control.disabled = count === 0;
}
