"use strict";
// The data of the page and what follows from it: no drawing here.

const data = JSON.parse(document.getElementById("data").textContent);

/** Colours of Okabe and Ito, told apart by colour-blind readers too; marks differ as well. */
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#A89F00"];
const MARKS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow", "emptyCircle"];
const DASHES = ["solid", "dashed", "dotted"];

const metricColumn = data.columns.indexOf(data.metric);
const keyIndex = Object.fromEntries(data.keys.map((key, i) => [key, i]));

data.points.forEach((point, index) => {
  point.index = index;
  point.loss = finite(point.numbers[metricColumn]);
  point.group = JSON.stringify(point.values);
});

function finite(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A number of a point by its name. */
function numberOf(point, name) {
  const column = data.columns.indexOf(name);
  return finite(column >= 0 ? point.numbers[column] : point.more[data.others.indexOf(name)] ?? data.constants[name]);
}

function short(key) {
  return key.slice(key.lastIndexOf(".") + 1);
}

function show(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(3);
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(4)));
  return String(value);
}

/** A value with all its digits. */
function showExactly(value) {
  if (typeof value !== "number") return show(value);
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}

function describe(point) {
  const words = data.keys.map((key, i) => [key, point.values[i]]).filter(([, value]) => value !== null)
    .map(([key, value]) => `${short(key)}=${show(value)}`);
  return `${words.join(", ")}, seed ${point.seed}`;
}

/** Points of the same combination together: [{values, points, loss}], without those that have no loss. */
function groupsOf(points) {
  const groups = new Map();
  for (const point of points) {
    if (point.loss === null) continue;
    if (!groups.has(point.group)) groups.set(point.group, { values: point.values, points: [] });
    groups.get(point.group).points.push(point);
  }
  for (const group of groups.values()) group.loss = mean(group.points.map((point) => point.loss));
  return [...groups.values()];
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Groups that have the cost, as {group, cost}. */
function withCost(groups, name) {
  return groups.map((group) => {
    const costs = group.points.map((point) => numberOf(point, name)).filter((cost) => cost !== null);
    return { group, cost: costs.length ? mean(costs) : null };
  }).filter(({ cost }) => cost !== null);
}

/** Less than 0 if the metric of a, a point or group, is better than that of b. */
function compareMetric(a, b) {
  return data.moreIsBetter ? b.loss - a.loss : a.loss - b.loss;
}

/** Those that no other beats in both metric and cost, by rising cost. */
function paretoFront(priced) {
  const front = [];
  for (const item of [...priced].sort((a, b) => a.cost - b.cost || compareMetric(a.group, b.group))) {
    if (!front.length || compareMetric(item.group, front[front.length - 1].group) < 0) front.push(item);
  }
  return front;
}
