"use strict";
// The table: sorting, filtering, keyboard.

/** Columns in order: name, title, value of a point. */
const COLUMNS = [
  ...data.keys.map((key, i) => ({ name: key, title: key, value: (point) => point.values[i] })),
  { name: "seed", title: "seed", value: (point) => point.seed },
  { name: "status", title: "status", value: (point) => point.status },
  ...data.columns.map((name, i) => ({ name, title: name, value: (point) => point.numbers[i] })),
];

/** A filter's text as a test of a value; null if it filters nothing. */
function parseFilter(text) {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const range = trimmed.match(/^(\S+?)\.\.(\S+)$/);
  if (range && !isNaN(range[1]) && !isNaN(range[2])) {
    return (value) => typeof value === "number" && value >= Number(range[1]) && value <= Number(range[2]);
  }
  const comparison = trimmed.match(/^(<=|>=|<|>|=)\s*(\S.*)$/);
  if (comparison) {
    const [, operator, operand] = comparison;
    const number = Number(operand);
    if (operator === "=") return (value) => (typeof value === "number" ? value === number : String(value) === operand);
    const compare = { "<": (a) => a < number, ">": (a) => a > number,
                      "<=": (a) => a <= number, ">=": (a) => a >= number }[operator];
    return (value) => typeof value === "number" && compare(value);
  }
  const wanted = trimmed.toLowerCase();
  return (value) => show(value).toLowerCase().includes(wanted) || String(value).toLowerCase().includes(wanted);
}

/** Rows of all points; calls onChange(visible points) after filters, onPick(point) for a chosen row. */
class PointTable {
  constructor(table, onChange, onPick) {
    this.onChange = onChange;
    this.onPick = onPick;
    this.body = table.tBodies[0];
    this.filters = COLUMNS.map(() => null);
    this.order = data.points.map((_, i) => i);
    this.makeHead(table.tHead);
    this.rows = data.points.map((point) => this.makeRow(point));
    this.body.append(...this.rows);
    this.makeReachable();
    this.body.addEventListener("click", (event) => this.pickRow(event.target.closest("tr")));
    this.body.addEventListener("keydown", (event) => this.key(event));
  }

  makeHead(head) {
    const titles = head.insertRow(), fields = head.insertRow();
    this.inputs = [];
    this.headings = COLUMNS.map((column, i) => {
      const heading = document.createElement("th");
      heading.scope = "col";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = column.title;
      button.addEventListener("click", () => this.sort(i));
      heading.append(button);
      titles.append(heading);
      const cell = document.createElement("th"), input = document.createElement("input");
      input.type = "search";
      input.setAttribute("aria-label", `filter ${column.title}`);
      input.addEventListener("input", () => {
        this.filters[i] = parseFilter(input.value);
        this.filter();
      });
      this.inputs.push(input);
      cell.append(input);
      fields.append(cell);
      return heading;
    });
  }

  makeRow(point) {
    const row = document.createElement("tr");
    row.dataset.index = point.index;
    row.setAttribute("aria-selected", "false");
    row.tabIndex = -1;
    if (point.status !== "ok") row.className = "failed";
    for (const column of COLUMNS) {
      const value = column.value(point), cell = row.insertCell();
      cell.textContent = show(value);
      if (typeof value === "number") cell.className = "number";
    }
    return row;
  }

  visible() {
    return data.points.filter((point) => !this.rows[point.index].hidden);
  }

  /** By this column; once more turns the order round. Points without the value come last either way. */
  sort(i, down = this.headings[i].getAttribute("aria-sort") === "ascending") {
    this.headings.forEach((heading) => heading.removeAttribute("aria-sort"));
    this.headings[i].setAttribute("aria-sort", down ? "descending" : "ascending");
    const values = data.points.map(COLUMNS[i].value), sign = down ? -1 : 1;
    const missing = (value) => value === null || value === undefined;
    this.order.sort((a, b) => {
      const x = values[a], y = values[b];
      if (missing(x) || missing(y)) return missing(x) - missing(y) || a - b;
      if (typeof x === "number" && typeof y === "number") return sign * (x - y) || a - b;
      return sign * String(x).localeCompare(String(y)) || a - b;
    });
    this.body.append(...this.order.map((index) => this.rows[index]));
    this.makeReachable();
  }

  filter() {
    const active = this.filters.map((test, i) => ({ test, value: COLUMNS[i].value })).filter(({ test }) => test);
    for (const point of data.points) {
      this.rows[point.index].hidden = !active.every(({ test, value }) => test(value(point)));
    }
    this.makeReachable();
    this.onChange(this.visible());
  }

  clearFilters() {
    this.inputs.forEach((input) => { input.value = ""; });
    this.filters.fill(null);
    this.filter();
  }

  mark(selected) {
    for (const point of data.points) {
      const wanted = String(selected.has(point.index));
      if (this.rows[point.index].getAttribute("aria-selected") !== wanted) {
        this.rows[point.index].setAttribute("aria-selected", wanted);
      }
    }
  }

  /** The Tab key reaches the first visible row only; from there the arrow keys move. */
  makeReachable() {
    if (this.reachable) this.reachable.tabIndex = -1;
    this.reachable = this.order.map((index) => this.rows[index]).find((row) => !row.hidden);
    if (this.reachable) this.reachable.tabIndex = 0;
  }

  pickRow(row) {
    if (row) this.onPick(data.points[Number(row.dataset.index)]);
  }

  key(event) {
    const row = event.target.closest("tr");
    if (event.key === "Enter" || event.key === " ") {
      this.pickRow(row);
    } else {
      const next = this.neighbour(row, event.key);
      if (!next) return;
      next.focus();
    }
    event.preventDefault();
  }

  neighbour(row, key) {
    const shown = this.order.map((index) => this.rows[index]).filter((other) => !other.hidden);
    const at = shown.indexOf(row);
    return { ArrowDown: shown[at + 1], ArrowUp: shown[at - 1], Home: shown[0], End: shown[shown.length - 1] }[key];
  }
}
