// The program's textarea, made an editor: line numbers, indenting, checks as one types.
"use strict";

const INDENT = "  ";
const PAUSE_MS = 500;

const frame = document.querySelector(".editor");
const area = frame.querySelector("textarea");
const form = area.form;
const list = document.querySelector(".checked");
const saveButton = form.querySelector('button[value="save"]');
// What was refused is nowhere but here.
const opened = document.querySelector('[role="alert"]') ? null : area.value;
let leaving = false;

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ── Line numbers ────────────────────────────────────────────────────────────────────────────────
const gutter = element("div", "gutter");
gutter.setAttribute("aria-hidden", "true");
frame.prepend(gutter);
frame.classList.add("is-numbered");
let numbered = 0;

function number() {
  const lines = area.value.split("\n").length;
  if (lines === numbered) return;
  // Two more, as a scroll bar makes the text's own window shorter.
  gutter.textContent = `${Array.from({ length: lines }, (_, n) => n + 1).join("\n")}\n\n\n`;
  gutter.scrollTop = area.scrollTop;
  numbered = lines;
}

area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; });

// ── Typing ──────────────────────────────────────────────────────────────────────────────────────
// The old command keeps the browser's undo, which setting the value would empty.
function insert(text) {
  area.focus();
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
}

function lineStart(offset) {
  return area.value.lastIndexOf("\n", offset - 1) + 1;
}

function indentLines(outwards) {
  const { selectionStart: from, selectionEnd: to } = area;
  const begin = lineStart(from);
  const lines = area.value.slice(begin, to).split("\n");
  const moved = lines.map((line) => (outwards ? line.replace(/^ {1,2}/, "") : INDENT + line)).join("\n");
  area.setSelectionRange(begin, to);
  insert(moved);
  area.setSelectionRange(begin, begin + moved.length);
}

let tabLeaves = false;

area.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    tabLeaves = true;
    return;
  }
  if (event.key === "Tab" && !tabLeaves) {
    event.preventDefault();
    const severalLines = area.value.slice(area.selectionStart, area.selectionEnd).includes("\n");
    if (severalLines || event.shiftKey) indentLines(event.shiftKey);
    else insert(INDENT);
  } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.isComposing) {
    event.preventDefault();
    const margin = area.value.slice(lineStart(area.selectionStart), area.selectionStart).match(/^ */)[0];
    const opens = /[{[]$/.test(area.value.slice(0, area.selectionStart).trimEnd());
    insert(`\n${margin}${opens ? INDENT : ""}`);
  }
  if (event.key !== "Shift") tabLeaves = false;
});

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    form.requestSubmit(saveButton);
  }
});

// ── Checks ──────────────────────────────────────────────────────────────────────────────────────
let timer = 0;
let asked = 0;
let formatted = null;

async function check() {
  const question = ++asked;
  const sent = new FormData(form);
  try {
    const answer = await fetch(frame.dataset.check, { method: "POST", body: sent });
    const checked = await answer.json();
    if (question !== asked) return;
    formatted = checked.formatted ?? null;
    show(checked);
  } catch {
    if (question === asked) list.replaceChildren(element("p", "caption", "Not checked: the service did not answer."));
  }
}

function show({ problems, cost }) {
  formatButton.disabled = formatted === null;
  const summary = problems.length
    ? []
    : [element("p", "caption", `No problems.${cost?.nodes ? ` ${cost.nodes} nodes, ${cost.depth} deep.` : ""}`)];
  const items = element("ol", "problems");
  items.append(...problems.map(item));
  list.replaceChildren(...summary, ...(problems.length ? [items] : []));
}

function item(problem) {
  const made = element("li", `problem is-${problem.severity}`);
  made.append(element("span", `badge ${problem.severity === "error" ? "is-bad" : "is-warn"}`, problem.severity), " ");
  if (problem.line) made.append(wayTo(problem.line, problem.column), " ");
  made.append(element("span", "said", [problem.message, problem.hint].filter(Boolean).join(" ")), " ");
  made.append(element("code", "", problem.code));
  if (problem.pointer) made.append(" ", element("code", "pointer", problem.pointer));
  return made;
}

// ── From a problem to its place ─────────────────────────────────────────────────────────────────
function wayTo(line, column) {
  const button = element("button", "place", `line ${line}, column ${column}`);
  button.type = "button";
  button.addEventListener("click", () => goTo(Number(line), Number(column)));
  return button;
}

function goTo(line, column) {
  const lines = area.value.split("\n");
  const before = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const at = Math.min(before + column - 1, area.value.length);
  area.focus();
  area.setSelectionRange(at, Math.max(at, before + (lines[line - 1] ?? "").length));
  area.scrollTop = Math.max(0, (line - 5) * (area.scrollHeight / lines.length));
  area.scrollIntoView({ block: "nearest" });
}

for (const place of list.querySelectorAll(".place")) place.replaceWith(wayTo(place.dataset.line, place.dataset.column));

// ── Layout, and what must not be lost ───────────────────────────────────────────────────────────
const formatButton = element("button", "button is-quiet", "Format");
formatButton.type = "button";
formatButton.disabled = true;
formatButton.addEventListener("click", () => {
  if (formatted === null || formatted === area.value) return;
  area.select();
  insert(formatted);
  area.setSelectionRange(0, 0);
  area.scrollTop = 0;
});
saveButton.after(" ", formatButton);
document.querySelector(".editor-help").hidden = false;

area.addEventListener("input", () => {
  number();
  formatted = null;
  formatButton.disabled = true;
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE_MS);
});
for (const name of ["parent", "type", "realm"]) form.elements[name]?.addEventListener("change", check);
form.addEventListener("submit", () => { leaving = true; });
window.addEventListener("beforeunload", (event) => {
  if (!leaving && area.value !== opened) event.preventDefault();
});

number();
// A server's refusal stays until something is typed: it may know more than a check does.
if (opened !== null) check();
