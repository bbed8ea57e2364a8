"use strict";
// The charts. Each has an id, a title for saved pictures and a function that makes its options from the
// visible points; all go through drawChart.

const charts = new Map();

function drawChart(id, title, options, onPick) {
  let chart = charts.get(id);
  if (!chart) {
    chart = echarts.init(document.getElementById(id));
    charts.set(id, chart);
    chart.on("click", (event) => {
      const index = event.data && event.data.point;
      if (index !== undefined) onPick(data.points[index]);
    });
  }
  chart.setOption({
    animation: false,
    color: COLOURS,
    aria: { enabled: true, label: { general: { withTitle: "{title}" } } },
    title: { text: title, left: 8, top: 4, textStyle: { fontSize: 13, fontWeight: 600 } },
    toolbox: { right: 8, feature: { saveAsImage: { name: id, pixelRatio: 3, title: "Save as PNG" } } },
    ...options,
  }, { notMerge: true });
}

function numericAxis(name, log, position) {
  return { type: log ? "log" : "value", name, nameLocation: "middle", nameGap: position === "y" ? 58 : 28, scale: true,
           axisLabel: { formatter: (value) => show(value), hideOverlap: true } };
}

function keyAxis(key) {
  const axis = data.axes[key];
  if (axis.kind === "category") {
    return { type: "category", data: axis.values.map(String), name: key, nameLocation: "middle", nameGap: 28 };
  }
  return numericAxis(key, axis.kind === "log", "x");
}

function place(key, value) {
  return data.axes[key].kind === "category" ? String(value) : value;
}

const GRID = { left: 80, right: 24, top: 64, bottom: 48 };
const LEGEND = { top: 30, type: "scroll" };

/** Values of the key that colours a chart, or one nameless series. */
function coloursOf(key) {
  return key === null ? [null] : data.axes[key].values;
}

/** Bars from the lowest to the highest seed, drawn by the library's custom series. */
function spreadSeries(items, colour) {
  return {
    type: "custom", name: "seeds", data: items, itemStyle: { color: colour }, silent: true, z: 3,
    encode: { x: 0, y: [1, 2] }, tooltip: { show: false },
    renderItem(params, api) {
      const low = api.coord([api.value(0), api.value(1)]), high = api.coord([api.value(0), api.value(2)]);
      const style = { stroke: colour, lineWidth: 1.5 };
      const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
      return { type: "group", children: [line(low[0], low[1], high[0], high[1]),
        line(low[0] - 4, low[1], low[0] + 4, low[1]), line(high[0] - 4, high[1], high[0] + 4, high[1])] };
    },
  };
}

/** The metric against one key. */
function keyOptions(key, points) {
  const by = data.colourBy[key], at = keyIndex[key], series = [];
  const groups = groupsOf(points).filter((group) => group.values[at] !== null);
  const shade = data.shadeBy[key];
  const joined = data.axes[key].kind !== "category" && data.axes[key].values.length <= 12 && shade === null;
  const shadeOf = (group) => group.values[keyIndex[shade]] ?? "-";
  coloursOf(by).forEach((value, i) => {
    const mine = groups.filter((group) => by === null || group.values[keyIndex[by]] === value);
    if (!mine.length) return;
    const colour = COLOURS[i % COLOURS.length], name = value === null ? data.metricLabel : String(value);
    const best = new Map();
    for (const group of mine) {
      const x = group.values[at];
      if (!best.has(x) || compareMetric(group, best.get(x)) < 0) best.set(x, group);
    }
    const line = data.axes[key].values.filter((x) => best.has(x)).map((x) => best.get(x));
    series.push({
      type: joined ? "line" : "scatter", name, symbol: MARKS[i % MARKS.length], symbolSize: 10, z: 4,
      itemStyle: { color: colour }, lineStyle: { color: colour, type: DASHES[i % DASHES.length] },
      data: line.map((group) => ({
        value: [place(key, group.values[at]), group.loss,
                ...(shade === null ? [] : [shadeLevel(shade, shadeOf(group))])],
        point: group.points[0].index })),
    }, {
      type: "scatter", name, symbol: MARKS[i % MARKS.length], symbolSize: 5,
      itemStyle: { color: colour, opacity: 0.35 },
      data: mine.flatMap((group) => group.points).map((point) => ({
        value: [place(key, point.values[at]), point.loss], point: point.index })),
    }, spreadSeries(line.map((group) => {
      const losses = group.points.map((point) => point.loss);
      return [place(key, group.values[at]), Math.min(...losses), Math.max(...losses)];
    }), shade === null ? colour : "#999"));
  });
  return {
    ...(shade === null ? {} : { visualMap: keyShadeMap(shade, groups.map(shadeOf)) }),
    grid: shade === null ? GRID : { ...GRID, right: 160 }, series,
    xAxis: keyAxis(key), yAxis: numericAxis(data.metricLabel, data.logMetric, "y"),
    legend: by === null ? { show: false } : { ...LEGEND, data: data.axes[by].values.map(String) },
    tooltip: { formatter: (item) => pointTip(item) },
  };
}

const SHADES = ["#00224e", "#434e6c", "#7d7c78", "#bcaf6f", "#fee838"];

/** Where a value lies on the scale of shades. */
function shadeLevel(key, value) {
  return data.axes[key].kind === "log" ? Math.log10(value) : value;
}

/** A scale of shades for the levels (none for no levels) of one dimension of a chart's data. */
function shadeMap(levels, dimension, text, formatter) {
  if (!levels.length) return { show: false, type: "piecewise", seriesIndex: [] };
  const low = Math.min(...levels), high = Math.max(...levels);
  return { type: "continuous", seriesIndex: 0, dimension, min: low, max: high > low ? high : low + 1e-9, right: 4,
           top: "middle", itemHeight: 100, text, formatter, textStyle: { lineHeight: 15 }, textGap: 16,
           inRange: { color: SHADES } };
}

function keyShadeMap(key, values) {
  const levels = values.filter((value) => value !== "-").map((value) => shadeLevel(key, value));
  const name = (level) => show(data.axes[key].kind === "log" ? 10 ** level : level);
  const ends = levels.length ? [`${short(key)}\n${name(Math.max(...levels))}`, name(Math.min(...levels))] : [];
  return shadeMap(levels, 2, ends, name);
}

function pointTip(item) {
  const point = item.data && data.points[item.data.point];
  return point ? echarts.format.encodeHTML(`${describe(point)}: ${data.metricLabel} ${show(point.loss)}`) : "";
}

/** The metric against a cost with its Pareto front. */
function paretoOptions(cost, points) {
  const by = data.colourPareto;
  const priced = withCost(groupsOf(points), cost), front = paretoFront(priced);
  const item = ({ group, cost: x }) => ({ value: [x, group.loss], point: group.points[0].index });
  const series = (by === null ? [null] : [...data.axes[by].values, ...(data.axes[by].missing ? [null] : [])])
    .map((value, i) => ({
      type: "scatter", symbol: MARKS[i % MARKS.length], symbolSize: 8,
      name: value === null ? (by === null ? "combinations" : "others") : String(value),
      itemStyle: { color: COLOURS[i % COLOURS.length], opacity: 0.75 },
      data: priced.filter(({ group }) => by === null || group.values[keyIndex[by]] === value).map(item),
    }));
  series.push({ type: "line", name: "Pareto front", step: "end", symbol: "emptyCircle", symbolSize: 14,
                data: front.map(item), z: 1,
                lineStyle: { color: "#000", width: 1.5 }, itemStyle: { color: "#000" } });
  const costs = priced.map((one) => one.cost);
  const log = costs.length > 0 && Math.min(...costs) > 0 && Math.max(...costs) / Math.min(...costs) >= 10;
  return { grid: GRID, series, legend: LEGEND, xAxis: numericAxis(data.costs[cost], log, "x"),
           yAxis: numericAxis(data.metricLabel, data.logMetric, "y"), tooltip: { formatter: (one) => pointTip(one) } };
}

/** One line per point through its values, its metric and its costs. */
function parallelOptions(points) {
  const shown = points.filter((point) => point.loss !== null);
  const names = [...data.keys, data.metric, ...Object.keys(data.costs).filter((name) => name !== data.metric)];
  const asNames = (key) => data.axes[key] && (data.axes[key].kind === "category" || data.axes[key].values.length <= 12);
  const parallelAxis = names.map((name, dim) => {
    const axis = { dim, name: short(name) === "total" ? "energy (J)" : short(name), nameTextStyle: { fontSize: 11 } };
    if (asNames(name)) {
      const missing = data.axes[name].missing ? ["–"] : [];
      return { ...axis, type: "category", data: [...data.axes[name].values.map(String), ...missing] };
    }
    const log = data.axes[name] ? data.axes[name].kind === "log" : name === data.metric && data.logMetric;
    return { ...axis, type: log ? "log" : "value", scale: true, axisLabel: { formatter: (value) => show(value) } };
  });
  const lines = shown.map((point) => ({
    point: point.index,
    value: names.map((name) => {
      if (!(name in keyIndex)) return numberOf(point, name) ?? "-";
      const value = point.values[keyIndex[name]];
      return asNames(name) ? show(value) === "–" ? "–" : String(value) : value ?? "-";
    }),
  }));
  const losses = shown.map((point) => (data.logMetric ? Math.log10(point.loss) : point.loss));
  lines.forEach((line, i) => { line.value.push(losses[i]); });
  return {
    parallelAxis, parallel: { left: 60, right: 130, top: 70, bottom: 30 },
    visualMap: shadeMap(losses, names.length, [`high ${data.metricLabel}`, "low"],
                        (value) => show(data.logMetric ? 10 ** value : value)),
    series: [{ type: "parallel", data: lines, lineStyle: { width: 1, opacity: lines.length > 300 ? 0.25 : 0.55 },
               progressive: 0, smooth: false }],
    tooltip: { formatter: (item) => pointTip(item) },
  };
}

/** Loss over epochs of the selected points. */
function curveOptions(selected) {
  const curves = selected.filter((point) => point.curve.length);
  const positive = curves.every((point) => point.curve.every(([, loss]) => loss > 0));
  return {
    grid: { ...GRID, right: 24 }, legend: { ...LEGEND },
    xAxis: { ...numericAxis("epoch", false, "x"), scale: false }, yAxis: numericAxis("loss", positive, "y"),
    tooltip: { trigger: "axis", valueFormatter: show },
    series: curves.map((point, i) => ({
      type: "line", name: describe(point), data: point.curve, symbol: "none",
      lineStyle: { type: DASHES[Math.floor(i / COLOURS.length) % DASHES.length], width: 1.5 },
    })),
  };
}
