// Notes: focus goes to what went wrong, a toast leaves after six seconds, and a lost connection is said.

const TOAST_MS = 6000;

export function watchNotes() {
  const summary = document.querySelector("[data-focus]");
  if (summary) {
    summary.tabIndex = -1;
    summary.focus();
  }
  const toast = document.querySelector(".toast");
  if (toast) setTimeout(() => toast.classList.add("gone"), TOAST_MS);
  document.addEventListener("click", closeOrOpen);
  const offline = document.querySelector("#offline");
  window.addEventListener("offline", () => (offline.hidden = false));
  window.addEventListener("online", () => (offline.hidden = true));
}

function closeOrOpen(event) {
  if (event.target.closest("[data-print]")) window.print();
  const opener = event.target.closest("[data-open]");
  if (opener) document.querySelector(opener.dataset.open)?.showModal();
  const closer = event.target.closest("[data-close]");
  if (closer) {
    const details = closer.closest("details");
    if (details) {
      details.open = false;
      details.querySelector("summary").focus();
    } else closer.closest("dialog")?.close();
  }
  for (const details of document.querySelectorAll("details.more[open], details.who[open]")) {
    if (!details.contains(event.target)) details.open = false;
  }
}
