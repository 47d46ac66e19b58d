// Everything here only adds comfort: each page is a plain document with plain forms underneath.
import "htmx.org";
import { guardForms } from "./forms.js";
import { listenForKeys } from "./keys.js";
import { watchNotes } from "./notes.js";
import { keepTyped } from "./typed.js";

guardForms();
keepTyped();
listenForKeys();
watchNotes();
