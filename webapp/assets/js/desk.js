// Everything here only adds comfort: each page is a plain document with plain forms underneath.
import "htmx.org";
import { waitForWords } from "./composing.js";
import { guardForms } from "./forms.js";
import { listenForKeys } from "./keys.js";
import { keepMarks } from "./marks.js";
import { watchNotes } from "./notes.js";
import { keepTyped } from "./typed.js";

waitForWords();
guardForms();
keepTyped();
listenForKeys();
keepMarks();
watchNotes();
