// An input method sends input events while a word is still being composed: nobody looks anything up before it is whole.

export function waitForWords() {
  document.addEventListener(
    "input",
    (event) => {
      if (event.isComposing) event.stopPropagation();
    },
    { capture: true },
  );
  document.addEventListener("compositionend", (event) => {
    event.target.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
