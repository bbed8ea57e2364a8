"use strict";
// Puts the page together: selection, details, which charts follow what.

const selected = new Set();
const MOST_SELECTED = 24;
let table = null;

function addCharts(container, ids) {
  for (const id of ids) {
    const box = document.createElement("div");
    box.className = "chart";
    box.id = id;
    document.getElementById(container).append(box);
  }
}

function drawPoints(points) {
  document.getElementById("count").textContent = `${points.length} of ${data.points.length} points shown`;
  drawChart("chart-parallel", "", parallelOptions(points), pick);
  data.keys.forEach((key, i) => {
    drawChart(`chart-key-${i}`, `${data.metricLabel} against ${key}`, keyOptions(key, points), pick);
  });
  Object.keys(data.costs).forEach((cost, i) => {
    const title = `${data.metricLabel} against ${data.costs[cost]}`;
    drawChart(`chart-pareto-${i}`, title, paretoOptions(cost, points), pick);
  });
}

function drawSelection() {
  table.mark(selected);
  const points = [...selected].map((index) => data.points[index]);
  drawChart("chart-curves", points.length ? "" : "Select points in the table", curveOptions(points), pick);
}

/** Shows a point and adds its learning curve; a selected one is taken out again. */
function pick(point) {
  if (selected.has(point.index)) {
    selected.delete(point.index);
  } else {
    if (selected.size === MOST_SELECTED) selected.delete(selected.values().next().value);
    selected.add(point.index);
  }
  showDetails(point);
  drawSelection();
}

function showDetails(point) {
  const title = document.createElement("h3");
  title.textContent = `Point ${point.id}`;
  const list = document.createElement("dl");
  const add = (name, value) => {
    const term = document.createElement("dt"), description = document.createElement("dd");
    term.textContent = name;
    description.textContent = showExactly(value);
    list.append(term, description);
  };
  COLUMNS.forEach((column) => add(column.title, column.value(point)));
  if (point.error) add("error", point.error);
  data.others.forEach((name, i) => add(name, point.more[i]));
  if (point.status === "ok") Object.entries(data.constants).forEach(([name, value]) => add(name, value));
  document.getElementById("details").replaceChildren(title, list);
}

function start() {
  const failed = data.points.filter((point) => point.status !== "ok").length;
  document.getElementById("summary").textContent = `${data.points.length} of ${data.planned} points of memprop `
    + `${data.command}, version ${data.version}${failed ? `, ${failed} failed` : ""}. `
    + "Figures for papers (SVG, PNG) lie in the folder figures beside this page.";
  addCharts("charts-keys", data.keys.map((_, i) => `chart-key-${i}`));
  addCharts("charts-pareto", Object.keys(data.costs).map((_, i) => `chart-pareto-${i}`));
  let timer = 0;
  table = new PointTable(document.getElementById("table"), (points) => {
    document.getElementById("count").textContent = `${points.length} of ${data.points.length} points shown`;
    clearTimeout(timer);
    timer = setTimeout(() => drawPoints(points), 200);  // typing goes before drawing
  }, pick);
  document.getElementById("clear-filters").addEventListener("click", () => table.clearFilters());
  document.getElementById("clear-selection").addEventListener("click", () => { selected.clear(); drawSelection(); });
  document.querySelectorAll(".metric").forEach((place) => { place.textContent = data.metricLabel; });
  document.querySelectorAll(".direction").forEach((place) => { place.textContent = data.direction; });
  document.getElementById("better-side").textContent = data.moreIsBetter ? "above" : "below";
  table.sort(COLUMNS.findIndex((column) => column.name === data.metric), data.moreIsBetter);
  const best = table.order.map((index) => data.points[index]).filter((point) => point.loss !== null).slice(0, 3);
  best.forEach((point) => selected.add(point.index));
  if (best.length) showDetails(best[0]);
  drawSelection();
  drawPoints(table.visible());
  addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
  document.body.dataset.ready = String(performance.now());
}

start();
