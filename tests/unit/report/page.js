// The few parts of a browser that the report's script asks for, a page of two tables, and what a reader does with it.
"use strict";

class Element {
  constructor() { this.attributes = {}; this.listeners = {}; this.dataset = {}; this.children = []; this.hidden = false; }
  setAttribute(name, value) { this.attributes[name] = value; }
  getAttribute(name) { return this.attributes[name] ?? null; }
  removeAttribute(name) { delete this.attributes[name]; }
  addEventListener(name, action) { this.listeners[name] = action; }
  replaceChildren(...children) { this.children = children; }
  append(...rows) { this.rows = [...this.rows.filter(row => !rows.includes(row)), ...rows]; }
}

function cell(text, order) {
  const made = new Element();
  made.textContent = text;
  if (order !== undefined) made.dataset.order = order;
  return made;
}

function table(rows) {
  const made = new Element(), body = new Element(), head = new Element();
  head.cells = [cell("forecaster"), cell("error")];
  made.tHead = { rows: [head] };
  body.rows = rows.map(cells => Object.assign(new Element(), { cells, textContent: cells.map(c => c.textContent).join(" ") }));
  made.tBodies = [body];
  return made;
}

const shown = table([
  [cell("Panda"), cell("10", "10")], [cell("N-BEATS"), cell("–")],
  [cell("persistence"), cell("300", "300")], [cell("linear AR"), cell("2", "2")],
]);
const other = table([[cell("one"), cell("1", "1")]]);
// The first fold holds both tables, the others one each: folds may be nested.
const parts = [[shown, other], [shown], [other]].map(held => Object.assign(new Element(), { querySelectorAll: () => held }));
const input = new Element(), output = new Element(), search = new Element();
search.hidden = true;
search.querySelector = name => (name === "input" ? input : output);
const document = {
  querySelectorAll: name => (name === "table.data" ? [shown, other] : parts),
  getElementById: () => search,
  createElement: () => new Element(),
};

(() => {
/* SCRIPT */
})();

const column = i => shown.tBodies[0].rows.map(row => row.cells[i].textContent);
const click = i => shown.tHead.rows[0].cells[i].children[0].listeners.click();
const type = text => { input.value = text; input.listeners.input(); };
const visible = () => shown.tBodies[0].rows.filter(row => !row.hidden).map(row => row.cells[0].textContent);
const result = {};
click(1);
result.up = column(1);
click(1);
result.down = column(1);
click(0);
result.names = column(0);
type("PANDA");
result.found = visible();
result.count = output.textContent;
result.open = parts.map(fold => fold.open);
type("");
result["all again"] = visible().length;
if (search.hidden || other.hidden || parts.some(fold => fold.open)) throw new Error("not as before");
console.log(JSON.stringify(result));
