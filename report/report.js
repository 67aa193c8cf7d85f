// The page of `moesim report`: reads the results from the page's own data and shows them. Every text from a result
// goes into the page as text (textContent), never as markup. Charts are Apache ECharts'.
"use strict";
(() => {

// --- elements ------------------------------------------------------------------------------------------------------

/** An element with properties and children; strings become text. */
function el(tag, properties, ...children) {
    const e = document.createElement(tag);
    for (const [key, value] of Object.entries(properties || {}))
        if (key in e) e[key] = value; else e.setAttribute(key, value);
    for (const child of children.flat(Infinity))
        if (child !== null && child !== undefined) e.append(child);
    return e;
}

function select(label, options, value, onchange) {
    const s = el("select", { name: label, onchange: () => onchange(s.value) },
        options.map(([key, text]) => el("option", { value: key, selected: key === value }, text)));
    return el("label", {}, label, s);
}

function checkbox(label, checked, onchange) {
    const box = el("input", { type: "checkbox", checked, onchange: () => onchange(box.checked) });
    return el("label", {}, box, label);
}

// --- numbers -------------------------------------------------------------------------------------------------------

const SCALES = {
    s: [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"], [1e-12, "ps"]],
    B: prefixes("B"), "B/s": prefixes("B/s"), FLOP: prefixes("FLOP"), "FLOP/s": prefixes("FLOP/s"), FLOPS: prefixes("FLOPS"), W: prefixes("W"),
    J: prefixes("J"), Hz: prefixes("Hz"), USD: [[1e6, "MUSD"], [1e3, "kUSD"], [1, "USD"]], m: [[1e3, "km"], [1, "m"], [1e-3, "mm"]],
};

function prefixes(unit) {
    return [[1e18, "E"], [1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"],
            [1e-9, "n"], [1e-12, "p"]].map(([scale, letter]) => [scale, letter + unit]);
}

function plain(x, digits) {
    if (x === 0 || (Math.abs(x) >= 1e-4 && Math.abs(x) < 1e7)) return String(Number(x.toPrecision(digits)));
    return x.toExponential(Math.max(0, digits - 1)).replace(/\.?0+e/, "e");
}

/** 1.5e-6, "s" -> "1.5 µs". */
function quantity(x, unit, digits = 5) {
    if (typeof x !== "number" || !isFinite(x)) return "–";
    const scales = SCALES[unit];
    if (!scales && Math.abs(x) >= 1e5 && Math.abs(x) < 1e15) // 281,470,000,000 rather than 2.8147e+11
        return Number(x.toPrecision(digits)).toLocaleString("en-US") + (unit ? " " + unit : "");
    if (!scales || x === 0) return plain(x, digits) + (unit ? " " + unit : "");
    const fitting = scales.find(([scale]) => Math.abs(x) >= scale) || scales[scales.length - 1];
    return plain(x / fitting[0], digits) + " " + fitting[1];
}

// --- tables --------------------------------------------------------------------------------------------------------

/** A table is {name, doc, columns: [{name, unit, doc, text}], rows: [[...]]}, and where it is known, names of columns:
 *  keys (they tell rows apart) and values (what is drawn). */
function rowsOf(columns, objects) {
    return objects.map((o) => columns.map((c) => (o[c.name] === undefined ? null : o[c.name])));
}

function isNumeric(table, i) {
    return !table.columns[i].text && table.rows.some((r) => typeof r[i] === "number");
}

function distinct(table, i) {
    return [...new Set(table.rows.map((r) => r[i]))];
}

/** Indices of the first columns that together tell all rows apart. */
function keyColumns(table) {
    if (table.keys) return table.keys.map((k) => table.columns.findIndex((c) => c.name === k)).filter((i) => i >= 0);
    for (let n = 1; n < table.columns.length; n++)
        if (new Set(table.rows.map((r) => JSON.stringify(r.slice(0, n)))).size === table.rows.length)
            return [...Array(n).keys()];
    return [0];
}

function isShare(column) {
    return !column.unit && /^(share|deviation|difference|gain|of_limit|of_peak)$/.test(column.name);
}

function cellText(value, column) {
    if (value === null || value === undefined) return "–";
    if (typeof value === "number" && isShare(column)) return plain(100 * value, 4) + " %";
    return typeof value === "number" ? quantity(value, column.unit) : String(value);
}

function dataTable(table) {
    const head = el("tr", {}, table.columns.map((c) => el("th", { title: c.doc || "" }, c.name)));
    const body = table.rows.map((r) => el("tr", {}, r.map((v, i) =>
        el("td", { className: typeof v === "number" || isNumeric(table, i) ? "number" : "words" }, cellText(v, table.columns[i])))));
    return el("div", { className: "scroll" }, el("table", {}, el("thead", {}, head), el("tbody", {}, body)));
}

// --- charts --------------------------------------------------------------------------------------------------------

// Okabe and Ito: distinct for colour-blind readers.
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000", "#999999", "#882255", "#44AA99",
                 "#DDCC77", "#332288"];
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle", "emptyDiamond"];

function tooltip(lines) {
    return el("div", {}, lines.map((line) => el("div", {}, line)));
}

const undrawn = new Set();

/** Paper shows what nobody has scrolled to, too. */
window.addEventListener("beforeprint", () => [...undrawn].forEach((draw) => draw()));

/** An element whose chart is made when it is first seen; `option` is a function. */
function chartElement(option, className = "chart") {
    const box = el("div", { className, role: "img" });
    const draw = () => {
        undrawn.delete(draw);
        if (!box.chart) {
            box.chart = echarts.init(box, null, { renderer: "canvas" });
            new ResizeObserver(() => box.chart.resize()).observe(box);
        }
        box.chart.setOption({ animation: false, color: COLOURS, textStyle: { fontFamily: "Liberation Sans, Arial, sans-serif" },
                              toolbox: { right: 8, feature: { restore: {}, saveAsImage: { pixelRatio: 2 } } }, ...option(box) }, true);
    };
    const seen = new IntersectionObserver((entries) => {
        if (!entries.some((e) => e.isIntersecting)) return;
        seen.disconnect();
        draw();
    }, { rootMargin: "200px" });
    seen.observe(box);
    undrawn.add(draw);
    box.redraw = () => box.chart && draw();
    return box;
}

// --- bars ----------------------------------------------------------------------------------------------------------

const BAR = { width: 1130, row: 19, value: 190, letter: 6.7, mostLabel: 430 };

/** The same as el() in a drawing. */
function svg(tag, attributes, ...children) {
    const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    for (const child of children.flat(Infinity))
        if (child !== null && child !== undefined) e.append(child);
    return e;
}

function legend(names) {
    return el("p", { className: "legend" }, names.map((name, k) => {
        const square = el("span", { className: "square" });
        square.style.background = COLOURS[k % COLOURS.length];
        return el("span", {}, square, name);
    }));
}

/** All of a row, for whoever points at its bar. */
function rowTitle(table, r) {
    return svg("title", {}, table.columns.map((c, i) => `${c.name}: ${cellText(r[i], c)}`).join("\n"));
}

function labelWidth(labels) {
    return Math.min(BAR.mostLabel, 14 + BAR.letter * Math.max(...labels.map((l) => l.length)));
}

function cut(text, width) {
    const most = Math.floor((width - 10) / BAR.letter);
    return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

function drawing(height, what, children) {
    return svg("svg", { class: "bars", viewBox: `0 0 ${BAR.width} ${height}`, role: "img", "aria-label": what }, children);
}

/** Where the interval of a mean stands; -1: nowhere. */
function halfColumn(table, y) {
    return table.columns.findIndex((c) => c.name === table.columns[y].name + ".ci95");
}

/** Rows under headings (`panel`), a line of text and as many bars as there are names to tell apart. */
function barGroups(table, axes) {
    const panels = new Map();
    for (const r of table.rows) {
        const panel = axes.facet >= 0 ? lineName(table, { series: [axes.facet] }, r) : "", label = cellText(r[axes.x], table.columns[axes.x]);
        if (!panels.has(panel)) panels.set(panel, new Map());
        if (!panels.get(panel).has(label)) panels.get(panel).set(label, []);
        panels.get(panel).get(label).push(r);
    }
    return panels;
}

/** Horizontal bars from 0: every label whole, every value in words. */
function barChart(table, axes) {
    const c = table.columns[axes.y], half = halfColumn(table, axes.y), panels = barGroups(table, axes);
    const rows = table.rows.filter((r) => typeof r[axes.y] === "number"), names = [...new Set(rows.map((r) => lineName(table, axes, r)))];
    const ends = rows.flatMap((r) => [r[axes.y] - (r[half] || 0), r[axes.y] + (r[half] || 0)]);
    const low = Math.min(0, ...ends), high = Math.max(0, ...ends), left = labelWidth([...panels.values()].flatMap((p) => [...p.keys()]));
    const scale = (BAR.width - left - BAR.value) / (high - low || 1), x = (v) => left + (v - low) * scale;
    let y = 4;
    const parts = [];
    const bar = (r) => {
        const v = r[axes.y], k = axes.series.length ? names.indexOf(lineName(table, axes, r)) : v < 0 ? 1 : 0, h = r[half];
        if (typeof v !== "number") return svg("text", { x: x(0) + 6, y: y + 13, class: "dim" }, "–");
        const whisker = h > 0 ? svg("path", { d: `M${x(v - h)} ${y + 4}v8m0 -4H${x(v + h)}m0 -4v8`, class: "whisker" }) : null;
        return svg("g", { class: "bar", "data-value": v }, rowTitle(table, r),
            svg("rect", { x: Math.min(x(0), x(v)), y: y + 1, width: Math.max(0.5, Math.abs(x(v) - x(0))), height: BAR.row - 4, fill: COLOURS[k % COLOURS.length] }), whisker,
            svg("text", { x: Math.max(x(0), x(v + (h || 0))) + 6, y: y + 13 }, (isShare(c) ? cellText(v, c) : quantity(v, c.unit, 4)) + (h > 0 ? ` ± ${quantity(h, c.unit, 2)}` : "")));
    };
    for (const [panel, labels] of panels) {
        if (panel) { parts.push(svg("text", { x: 0, y: y + 15, class: "heading" }, panel)); y += BAR.row + 3; }
        for (const [label, group] of labels) {
            parts.push(svg("text", { x: left - 8, y: y + 13, "text-anchor": "end" }, svg("title", {}, label), cut(label, left)));
            for (const r of group) { parts.push(bar(r)); y += BAR.row; }
            if (names.length > 1) y += 5;
        }
    }
    parts.push(svg("line", { x1: x(0), x2: x(0), y1: 0, y2: y, class: "zero" }));
    return el("div", {}, names.length > 1 && axes.series.length ? legend(names) : null,
        el("div", { className: "scroll plain" }, drawing(y + 4, `${c.name} by ${table.columns[axes.x].name}`, parts)));
}

/** Columns that together are a whole: as many of the first as have one unit and make up `total`, or the same sum in every
 *  row (what a pipeline's ranks do in a step). */
function stackColumns(table, keys) {
    const values = table.columns.map((_, i) => i).filter((i) => !keys.includes(i) && isNumeric(table, i));
    const total = table.columns.findIndex((c) => c.name === "total"), near = (a, b) => Math.abs(a - b) <= 2e-3 * Math.abs(b);
    for (let n = values.length; n > 2; n--) {
        const parts = values.slice(0, n), unit = table.columns[parts[0]].unit;
        if (!unit || parts.includes(total) || parts.some((i) => table.columns[i].unit !== unit)) continue;
        if (table.rows.some((r) => parts.some((i) => typeof r[i] !== "number" || r[i] < 0))) continue;
        const sums = table.rows.map((r) => parts.reduce((sum, i) => sum + r[i], 0));
        if (sums[0] > 0 && table.rows.length > 1 && sums.every((s, k) => near(s, total >= 0 ? table.rows[k][total] : sums[0]))) return parts;
    }
    return [];
}

/** A bar per row, in parts. */
function stackChart(table, keys, parts) {
    const unit = table.columns[parts[0]].unit, labels = table.rows.map((r) => lineName(table, { series: keys }, r));
    const sums = table.rows.map((r) => parts.reduce((sum, i) => sum + r[i], 0));
    const left = labelWidth(labels), scale = (BAR.width - left - BAR.value) / Math.max(...sums);
    const bars = table.rows.map((r, k) => {
        const y = 4 + k * (BAR.row + 2);
        let at = left;
        return [svg("text", { x: left - 8, y: y + 13, "text-anchor": "end" }, cut(labels[k], left)), parts.map((i, p) => {
            const width = r[i] * scale, words = quantity(r[i], unit, 3), x = at;
            at += width;
            return svg("g", { class: "part", "data-value": r[i] }, svg("title", {}, `${table.columns[i].name}: ${quantity(r[i], unit)}`),
                svg("rect", { x, y, width: Math.max(0, width), height: BAR.row - 2, fill: COLOURS[p % COLOURS.length], class: "piece" }),
                width > BAR.letter * words.length + 6 ? svg("text", { x: x + width / 2, y: y + 13, "text-anchor": "middle", class: "inside" }, words) : null);
        }), svg("text", { x: at + 6, y: y + 13 }, quantity(sums[k], unit, 4))];
    });
    return el("div", {}, legend(parts.map((i) => table.columns[i].name)),
        el("div", { className: "scroll plain" }, drawing(8 + bars.length * (BAR.row + 2), `parts of ${table.name}`, bars)));
}

/** Numbers that only name their row: a rank, a stage. */
function isIndex(table, i) {
    const v = table.rows.map((r) => r[i]);
    return /^(rank|stage|node|gpu|layer|plane|group|chunk|row)s?$/.test(table.columns[i].name) && v.every((x, k) => Number.isInteger(x) && (!k || x === v[k - 1] + 1));
}

// --- lines ---------------------------------------------------------------------------------------------------------

const MOST_LINES = 12, MOST_SYMBOLS = 100, MOST_COLOURS = 6, MOST_PANELS = 24;

/** What of a table is drawn: indices of columns. */
function defaultAxes(table) {
    const keys = keyColumns(table);
    const numeric = keys.filter((i) => isNumeric(table, i) && distinct(table, i).length > 1);
    const x = numeric.length ? numeric.reduce((a, b) => (distinct(table, b).length > distinct(table, a).length ? b : a))
                             : keys[keys.length - 1];
    const isValue = (c, i) => !keys.includes(i) && isNumeric(table, i) && (!table.values || table.values.includes(c.name));
    const y = defaultValue(table, table.columns.map((_, i) => i).filter((i) => isValue(table.columns[i], i)));
    const series = keys.filter((i) => i !== x && distinct(table, i).length > 1);
    const lines = new Set(table.rows.map((r) => JSON.stringify(series.map((i) => r[i])))).size;
    const sample = series.length > 0 && lines > MOST_LINES && 3 * lines > table.rows.length; // hardly two points share a line
    const bars = !sample && (!isNumeric(table, x) || isIndex(table, x));
    if (bars) return { ...barAxes(table, keys.filter((i) => distinct(table, i).length > 1), x), y, keys, logX: false, logY: false, points: false, bars };
    return { x, y, facet: -1, bars, series: sample ? [] : series, keys, logX: spreads(table, x), logY: y >= 0 && spreads(table, y), points: sample || !isNumeric(table, x) };
}

/** The first value, unless its numbers are of different things: then how far they are from what they are beside. */
function defaultValue(table, values) {
    if (!values.length) return -1;
    const plainColumn = !table.columns[values[0]].unit && spreads(table, values[0]);
    const relative = values.find((i) => /^(deviation|difference)$/.test(table.columns[i].name));
    return plainColumn && relative !== undefined ? relative : values[0];
}

/** The last key is the label; others are colours where most labels have all of them, else headings. */
function barAxes(table, keys, x) {
    if (keys.length < 2) return { x, series: [], facet: -1 };
    const label = keys[keys.length - 1], others = keys.slice(0, -1);
    const n = new Set(table.rows.map((r) => JSON.stringify(others.map((i) => r[i])))).size;
    const dense = n <= MOST_COLOURS && table.rows.length >= 0.7 * n * distinct(table, label).length;
    if (dense) return { x: label, series: others, facet: -1 };
    return { x: label, series: others.slice(1), facet: others[0] };
}

/** Whether a column runs over more than a factor of 50: a logarithmic axis reads better. */
function spreads(table, i) {
    const v = table.rows.map((r) => r[i]).filter((x) => typeof x === "number");
    return v.length > 0 && Math.min(...v) > 0 && Math.max(...v) / Math.min(...v) > 50;
}

/** "cluster.nic.bandwidth" -> "bandwidth", as in filters. */
function shortName(name) {
    return name.slice(name.lastIndexOf(".") + 1);
}

/** Numbers say of what they are: "tokens 16, mpft". */
function lineName(table, axes, r) {
    return axes.series.map((i) => (isNumeric(table, i) ? shortName(table.columns[i].name) + " " : "") + cellText(r[i], table.columns[i])).join(", ");
}

function groupRows(table, axes) {
    const groups = new Map();
    for (const r of table.rows) {
        const name = lineName(table, axes, r) || table.columns[axes.y].name;
        if (!groups.has(name)) groups.set(name, []);
        groups.get(name).push(r);
    }
    return groups;
}

/** One chart for each value of a column, all with the same axes. */
function panelCharts(table, axes) {
    const values = distinct(table, axes.facet).slice(0, MOST_PANELS), y = table.rows.map((r) => r[axes.y]).filter((v) => typeof v === "number");
    const inner = { ...axes, series: axes.series.filter((i) => i !== axes.facet), range: [Math.min(...y), Math.max(...y)] };
    return el("div", { className: "panels" }, values.map((v) => {
        const part = { ...table, rows: table.rows.filter((r) => r[axes.facet] === v) };
        return el("div", {}, el("h4", {}, lineName(table, { series: [axes.facet] }, part.rows[0])), chartElement(() => lineOption(part, inner)));
    }));
}

function axisOption(table, i, log, horizontal) {
    const c = table.columns[i], numeric = isNumeric(table, i);
    return { type: !numeric ? "category" : log ? "log" : "value", name: c.name, nameLocation: "middle", nameGap: horizontal ? 28 : 62,
             data: numeric ? undefined : distinct(table, i).map(String), scale: numeric && horizontal,
             axisLabel: { formatter: numeric ? (v) => quantity(v, c.unit, 3) : undefined, hideOverlap: true,
                          width: horizontal ? 90 : undefined, overflow: "truncate" } };
}

/** Bars from low to high around the means of seeds; `half` is the column with half of the 95 % interval. */
function intervalSeries(table, axes, half, groups, fits) {
    const renderItem = (params, api) => {
        const [x, low] = api.coord([api.value(0), api.value(1)]), high = api.coord([api.value(0), api.value(2)])[1];
        const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: api.visual("color"), lineWidth: 1.2 } });
        return { type: "group", children: [line(x, low, x, high), line(x - 4, low, x + 4, low), line(x - 4, high, x + 4, high)] };
    };
    return groups.map(([name, rows], k) => ({ name, type: "custom", renderItem, silent: true, tooltip: { show: false }, encode: { x: 0, y: [1, 2] },
        itemStyle: { color: COLOURS[k % COLOURS.length] }, clip: true,
        data: rows.filter((r) => fits(r) && r[half] > 0 && (!axes.logY || r[axes.y] > r[half]))
                  .map((r) => [isNumeric(table, axes.x) ? r[axes.x] : String(r[axes.x]), r[axes.y] - r[half], r[axes.y] + r[half]]) }));
}

function lineOption(table, axes) {
    const xc = table.columns[axes.x], yc = table.columns[axes.y], numericX = isNumeric(table, axes.x);
    const fits = (r) => typeof r[axes.y] === "number" && r[axes.x] !== null && (!axes.logY || r[axes.y] > 0) &&
                        (!numericX || (typeof r[axes.x] === "number" && (!axes.logX || r[axes.x] > 0)));
    const groups = [...groupRows(table, axes)];
    const half = table.columns.findIndex((c) => c.name === yc.name + ".ci95");
    const intervals = half < 0 ? [] : intervalSeries(table, axes, half, groups, fits);
    const series = groups.map(([name, rows], k) => ({
        name, type: axes.points ? "scatter" : "line", symbol: SYMBOLS[k % SYMBOLS.length], symbolSize: 7,
        showSymbol: rows.length <= MOST_SYMBOLS, showAllSymbol: true,
        emphasis: { focus: "series" },
        data: rows.filter(fits).map((r) => [numericX ? r[axes.x] : String(r[axes.x]), r[axes.y], half < 0 ? null : r[half]])
                  .sort((a, b) => (numericX ? a[0] - b[0] : 0)),
    }));
    return {
        series: [...series, ...intervals], grid: { left: 90, right: 30, top: 46, bottom: 84 },
        legend: { type: "scroll", top: 4, left: 60, right: 90, show: series.length > 1 },
        xAxis: axisOption(table, axes.x, axes.logX, true), yAxis: { ...axisOption(table, axes.y, axes.logY, false), ...(axes.range && !axes.logY ? { min: Math.min(0, axes.range[0]), max: axes.range[1] } : {}) },
        dataZoom: [{ type: "inside", xAxisIndex: 0, filterMode: "none" }, { type: "inside", yAxisIndex: 0, filterMode: "none", zoomOnMouseWheel: "shift" },
                   { type: "slider", xAxisIndex: 0, filterMode: "none", height: 16, bottom: 10, showDetail: false }],
        tooltip: { trigger: "item", formatter: (p) => tooltip([p.seriesName, `${xc.name}: ${cellText(p.value[0], xc)}`,
                                                               `${yc.name}: ${cellText(p.value[1], yc)}` + (typeof p.value[2] === "number" ? ` ± ${cellText(p.value[2], yc)} (95 %)` : "")]) },
    };
}

/** A chart of a table with a choice of axes. */
function tableChart(table) {
    const axes = defaultAxes(table);
    if (axes.y < 0 || table.rows.length < 2) return null;
    const stack = axes.bars && axes.keys.length ? stackColumns(table, axes.keys) : [];
    let whole = stack.length > 0;
    const chart = chartElement(() => lineOption(table, axes)), box = el("div", {}, chart);
    const show = () => {
        if (whole) box.replaceChildren(stackChart(table, axes.keys, stack));
        else if (axes.bars) box.replaceChildren(barChart(table, axes));
        else if (axes.facet >= 0) box.replaceChildren(panelCharts(table, axes));
        else if (box.firstChild === chart) chart.redraw();
        else box.replaceChildren(chart);
    };
    const change = (set) => (value) => { set(value); show(); };
    const varying = axes.keys.filter((i) => distinct(table, i).length > 1 && distinct(table, i).length <= MOST_PANELS);
    if (axes.bars) show();
    const names = (indices) => indices.map((i) => [String(i), table.columns[i].name]);
    const all = table.columns.map((_, i) => i), numeric = all.filter((i) => isNumeric(table, i));
    return el("div", {},
        el("div", { className: "controls" },
            stack.length ? checkbox("all parts", true, change((on) => { whole = on; })) : null,
            select("x", names(all), String(axes.x), change((v) => { axes.x = Number(v); })),
            select("y", names(numeric), String(axes.y), change((v) => { axes.y = Number(v); })),
            axes.keys.length > 1 ? el("span", {}, "lines by ", axes.keys.map((i) =>
                checkbox(table.columns[i].name, axes.series.includes(i), change((on) => {
                    axes.series = on ? [...axes.series, i].sort((a, b) => a - b) : axes.series.filter((k) => k !== i);
                })))) : null,
            varying.length > 1 ? select("panels by", [["-1", "none"], ...names(varying)], String(axes.facet), change((v) => { axes.facet = Number(v); })) : null,
            checkbox("bars", axes.bars, change((on) => { axes.bars = on; })),
            axes.bars ? null : [checkbox("log x", axes.logX, change((on) => { axes.logX = on; })),
            checkbox("log y", axes.logY, change((on) => { axes.logY = on; })),
            checkbox("points", axes.points, change((on) => { axes.points = on; })),
            el("span", { className: "dim" }, "wheel: zoom x, shift: y; drag: move")]),
        box);
}

const ROWS_OPEN = 40;

function tableSection(table) {
    const chart = tableChart(table);
    const data = dataTable(table);
    return el("section", { className: "table" }, el("h3", {}, table.name, table.doc ? el("span", { className: "dim" }, " – " + table.doc) : null),
        chart, chart ? el("details", { open: table.rows.length <= ROWS_OPEN }, el("summary", {}, `${table.rows.length} rows`), data) : data);
}

// --- claims --------------------------------------------------------------------------------------------------------

const VERDICTS = ["ok", "miss", "disputed", "unvalidated", "regressed", "error"];
const CLAIM_COLUMNS = [["verdict", "verdict"], ["id", "claim"], ["section", "section"], ["paper_text", "paper"], ["ours", "ours"],
                       ["deviation", "deviation"], ["class", "class"], ["wall_s", "time"]];

function claimCells(c) {
    const isRange = /^[<>]=| to /.test(c.paper_text ?? "");
    const percent = isRange && c.deviation === 0 ? "within" : typeof c.deviation === "number" ? (c.deviation >= 0 ? "+" : "") + plain(100 * c.deviation, 3) + " %" : "–";
    const ours = typeof c.ours === "number" ? plain(c.ours, 5) + (c.unit ? " " + c.unit : "") : "–";
    return [el("td", { className: "verdict " + (VERDICTS.includes(c.verdict) ? c.verdict : "") }, String(c.verdict)), el("td", {}, String(c.id)),
            el("td", {}, String(c.section)), el("td", { className: "number" }, String(c.paper_text ?? c.paper ?? "–")),
            el("td", { className: "number" }, ours), el("td", { className: "number" }, percent), el("td", {}, String(c.class)),
            el("td", { className: "number" }, quantity(c.wall_s, "s", 2))];
}

function claimDetail(c) {
    const parts = ["quote", "interval", "message", "disputed", "arithmetic", "constants", "remark", "metric", "command", "other_command"];
    return el("tr", { className: "detail" }, el("td", { colSpan: CLAIM_COLUMNS.length }, el("dl", {}, parts.filter((k) => c[k]).map((k) =>
        [el("dt", {}, k === "quote" ? "the paper's words" : k.replace("_", " ")), el("dd", {}, String(c[k]))]))));
}

function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a ?? "").localeCompare(String(b ?? ""), undefined, { numeric: true });
}

function claimsView(doc) {
    const claims = doc.claims, state = { text: "", verdicts: new Set(VERDICTS), class: "", section: "", sort: "", up: true };
    const body = el("tbody"), count = el("span", { className: "dim count" });
    const shown = () => claims.filter((c) => state.verdicts.has(c.verdict) && (!state.class || c.class === state.class) &&
        (!state.section || c.section === state.section) && JSON.stringify([c.id, c.section, c.quote, c.remark]).toLowerCase().includes(state.text));
    const row = (c) => {
        const tr = el("tr", { className: "claim", tabIndex: 0 }, claimCells(c));
        let detail = null;
        const toggle = () => { if (detail) { detail.remove(); detail = null; } else tr.after(detail = claimDetail(c)); };
        tr.onclick = toggle;
        tr.onkeydown = (e) => { if (e.key === "Enter") toggle(); };
        return tr;
    };
    const refresh = () => {
        const list = shown();
        if (state.sort) list.sort((a, b) => (state.up ? 1 : -1) * compare(a[state.sort], b[state.sort]));
        body.replaceChildren(...list.map(row));
        count.textContent = `${list.length} of ${claims.length} claims`;
    };
    const options = (key) => [["", "all"], ...[...new Set(claims.map((c) => String(c[key])))].sort(compare).map((v) => [v, v])];
    const search = el("input", { type: "search", placeholder: "search", oninput: () => { state.text = search.value.toLowerCase(); refresh(); } });
    const chips = VERDICTS.map((v) => {
        const chip = el("button", { className: "chip", type: "button", "aria-pressed": "true", "data-verdict": v, onclick: () => {
            if (!state.verdicts.delete(v)) state.verdicts.add(v);
            chip.setAttribute("aria-pressed", String(state.verdicts.has(v)));
            refresh();
        } }, `${claims.filter((c) => c.verdict === v).length} ${v}`);
        return chip;
    });
    const sortBy = (key) => () => { state.up = state.sort === key ? !state.up : true; state.sort = key; refresh(); };
    refresh();
    return el("section", { className: "claims" },
        el("div", { className: "controls" }, search, chips, select("class", options("class"), "", (v) => { state.class = v; refresh(); }),
            select("section", options("section"), "", (v) => { state.section = v; refresh(); }), count),
        el("div", { className: "scroll" }, el("table", {},
            el("thead", {}, el("tr", {}, CLAIM_COLUMNS.map(([key, title]) => el("th", {}, el("button", { type: "button", onclick: sortBy(key) }, title))))), body)),
        el("p", { className: "dim" }, "A click on a claim shows the paper's words, the command line and the arithmetic."));
}

// --- topology ------------------------------------------------------------------------------------------------------

const KINDS = { node: ["compute node", "rect", "#56B4E9"], switch: ["switch", "circle", "#D55E00"], group: ["group of switches", "roundRect", "#E69F00"] };

function nodeLines(n) {
    const lines = [`${n.kind === "node" ? "compute node" : n.kind} ${n.number}`];
    if (n.gpus) lines.push(`${n.gpus} GPUs`);
    if (n.plane !== undefined) lines.push(`plane ${n.plane}`);
    if (n.switches > 0 && n.kind === "group") lines.push(`${n.switches} switches`);
    if (n.nic_ports) lines.push(`${n.nic_ports} NIC ports`);
    if (n.cables_inside) lines.push(`${n.cables_inside} cables inside`);
    return lines;
}

/** Levels from the bottom up; networks without levels on a ring, their compute nodes on one around it. The places fill
 *  a box of width x height: symbols keep their shape only when it is that of the chart. */
function place(drawing, width, height) {
    const levels = new Map();
    drawing.nodes.forEach((n, i) => {
        const level = drawing.leaves_meet ? (n.kind === "node" ? 0 : 1) : n.level;
        if (!levels.has(level)) levels.set(level, []);
        levels.get(level).push(i);
    });
    const at = [];
    for (const [level, members] of levels)
        members.forEach((i, k) => {
            const share = (k + 0.5) / members.length, angle = 2 * Math.PI * share, radius = level === 0 && levels.size > 1 ? 1 : 0.72;
            at[i] = drawing.leaves_meet ? [radius * Math.cos(angle), radius * Math.sin(angle)] : [share, -level];
        });
    const scale = (k, size) => {
        const all = at.map((a) => a[k]), low = Math.min(...all), range = Math.max(...all) - low;
        return (v) => (range > 0 ? (v - low) / range * size : size / 2);
    };
    const x = scale(0, width), y = scale(1, height);
    return at.map((a) => [x(a[0]), y(a[1])]);
}

/** From grey over orange to red: how full. */
function loadColour(load) {
    const stops = [[0, [200, 204, 208]], [0.5, [230, 159, 0]], [1, [178, 34, 0]]], k = load < 0.5 ? 0 : 1;
    const [[from, a], [to, b]] = [stops[k], stops[k + 1]], share = Math.min(1, (load - from) / (to - from));
    return `rgb(${a.map((c, i) => Math.round(c + share * (b[i] - c))).join(",")})`;
}

/** The fullest edges, fullest first, as bars. */
function fullestView(drawing) {
    const name = (i) => { const n = drawing.nodes[i]; return `${n.kind === "node" ? "node" : n.kind} ${n.number}`; };
    const loaded = drawing.edges.filter((e) => typeof e.load === "number");
    if (!loaded.length) return null;
    const columns = [{ name: "cable", text: true }, { name: "share", unit: "" }, { name: "flows", unit: "" }, { name: "cables", unit: "" }];
    const rows = [...loaded].sort((a, b) => b.load - a.load).slice(0, 8).map((e) => [`${name(e.from)} – ${name(e.to)}`, e.load, e.flows, e.cables]);
    const full = loaded.filter((e) => e.load > 0.999).length;
    return el("div", { className: "fullest" },
        el("p", {}, full ? `${full} of ${loaded.length} connections are full in an all-to-all; the fullest:`
                         : `NICs or NVLink hold an all-to-all up; the fullest of ${loaded.length} connections:`),
        barChart({ name: "load", columns, rows }, { x: 0, y: 1, series: [], facet: -1 }));
}

function topologyView(drawing) {
    const hasLoads = drawing.edges.some((e) => typeof e.load === "number");
    const most = Math.max(1, ...drawing.edges.map((e) => e.cables));
    const size = drawing.nodes.length > 80 ? 9 : 18;
    const kinds = Object.keys(KINDS).filter((k) => drawing.nodes.some((n) => n.kind === k));
    const chart = chartElement((box) => { const at = place(drawing, box.clientWidth - 100, box.clientHeight - 110); return {
        legend: { top: 4, left: 10 },
        tooltip: { formatter: (p) => (p.dataType === "edge" ? tooltip([`${p.data.cables} ${p.data.cables === 1 ? "cable" : "cables"}`, ...(hasLoads ? [`load ${plain(100 * (p.data.load || 0), 3)} %, ${p.data.flows || 0} flows`] : [])]) : tooltip(p.data.lines)) },
        series: [{
            type: "graph", layout: "none", roam: true, left: 50, right: 50, top: 70, bottom: 40,
            categories: kinds.map((k) => ({ name: KINDS[k][0], symbol: KINDS[k][1], itemStyle: { color: KINDS[k][2] } })),
            data: drawing.nodes.map((n, i) => ({ id: String(i), name: String(i), x: at[i][0], y: at[i][1], symbolSize: n.kind === "group" ? 2 * size : size,
                symbol: KINDS[n.kind][1], category: kinds.indexOf(n.kind), lines: nodeLines(n),
                label: { show: drawing.nodes.length <= 40, position: n.level ? "top" : "bottom", formatter: nodeLines(n)[0], fontSize: 10 } })),
            links: drawing.edges.map((e) => ({ source: String(e.from), target: String(e.to), cables: e.cables, load: e.load, flows: e.flows,
                lineStyle: { width: 0.5 + 2 * e.cables / most, color: hasLoads ? loadColour(e.load || 0) : "#888", opacity: drawing.edges.length > 500 ? 0.25 : hasLoads ? 0.9 : 0.6 } })),
            emphasis: { focus: "adjacency" },
        }],
    }; }, "chart tall");
    const what = drawing.condensed ? "Switches that are alike are one group." : "Every compute node and switch.";
    return el("section", { className: "topology" }, el("h3", {}, "Drawing"),
        el("p", { className: "dim" }, what + " Wider lines are more cables. Wheel: zoom; drag: move."),
        hasLoads ? el("p", { className: "load" }, "Load of an all-to-all between nodes, by the tables of the switches, of the fullest cable: ",
            [0, 0.25, 0.5, 0.75, 1].map((v) => { const square = el("span", { className: "square" }); square.style.background = loadColour(v); return el("span", {}, square, `${100 * v} % `); })) : null,
        chart, fullestView(drawing));
}

// --- timelines -----------------------------------------------------------------------------------------------------

/** lanes: names, from the top; bars: {lane, start_s, end_s, name, group}. */
function timelineChart(lanes, bars) {
    const groups = [...new Set(bars.map((b) => b.group))];
    const draw = (params, api) => {
        const [x0, y] = api.coord([api.value(1), api.value(0)]), [x1] = api.coord([api.value(2), api.value(0)]);
        const height = Math.min(34, api.size([0, 1])[1] * 0.7);
        const area = params.coordSys, left = Math.max(x0, area.x), right = Math.min(Math.max(x1, x0 + 0.5), area.x + area.width);
        return left < right && { type: "rect", shape: { x: left, y: y - height / 2, width: right - left, height }, style: { ...api.style(), stroke: "#fff", lineWidth: right - left > 4 ? 0.5 : 0 } };
    };
    return chartElement(() => ({
        grid: { left: 150, right: 30, top: 46, bottom: 64 },
        legend: { type: "scroll", top: 4, left: 60, right: 90 },
        xAxis: { type: "value", min: Math.min(...bars.map((b) => b.start_s)), max: Math.max(...bars.map((b) => b.end_s)), axisLabel: { formatter: (v) => quantity(v, "s", 4), hideOverlap: true } },
        yAxis: { type: "category", data: lanes, inverse: true, axisLabel: { width: 135, overflow: "truncate" } },
        dataZoom: [{ type: "inside", xAxisIndex: 0, filterMode: "weakFilter" }, { type: "slider", xAxisIndex: 0, filterMode: "weakFilter", height: 16, bottom: 10, showDetail: false }],
        tooltip: { formatter: (p) => { const b = bars[p.value[3]]; return tooltip([b.name, `${quantity(b.start_s, "s")} + ${quantity(b.end_s - b.start_s, "s")}`, lanes[b.lane], ...(b.lines || [])]); } },
        series: groups.map((group) => ({ type: "custom", name: group, renderItem: draw, encode: { x: [1, 2], y: 0 }, clip: true,
            data: bars.map((b, i) => [b, i]).filter(([b]) => b.group === group).map(([b, i]) => [b.lane, b.start_s, b.end_s, i]) })),
    }), lanes.length > 4 ? "chart tall" : "chart");
}

function timelineView(doc) {
    const names = new Map(), lanes = [], index = new Map(), bars = [];
    for (const e of doc.traceEvents)
        if (e.ph === "M" && e.args) names.set(`${e.name} ${e.pid} ${e.name === "process_name" ? "" : e.tid}`, String(e.args.name));
    for (const e of doc.traceEvents) {
        if (e.ph !== "X" || typeof e.ts !== "number" || typeof e.dur !== "number") continue;
        const lane = `${e.pid} ${e.tid}`;
        if (!index.has(lane)) {
            index.set(lane, lanes.length);
            lanes.push(`${names.get(`process_name ${e.pid} `) || "process " + e.pid}: ${names.get(`thread_name ${e.pid} ${e.tid}`) || e.tid}`);
        }
        bars.push({ lane: index.get(lane), start_s: e.ts * 1e-6, end_s: (e.ts + e.dur) * 1e-6, name: String(e.name), group: String((e.args && e.args.phase) || e.cat || e.name),
                    lines: Object.entries(e.args || {}).map(([k, v]) => `${k}: ${v}`) });
    }
    if (!bars.length) return el("p", {}, "The timeline holds no slices.");
    return el("section", { className: "timeline" }, el("p", { className: "dim" }, `${bars.length} slices. Wheel: zoom; drag: move; a click in the legend hides a phase.`), timelineChart(lanes, bars));
}

/** The phases of a replay, from its result. */
function phasesView(phases) {
    const single = phases.filter((p) => p.layer > 0 && p.end_s > p.start_s);
    if (!single.length) return null;
    const lanes = [...new Set(single.map((p) => p.lane))];
    const bars = single.map((p) => ({ lane: lanes.indexOf(p.lane), start_s: p.start_s, end_s: p.end_s, name: `${p.name}, layer ${p.layer}`, group: p.name,
        lines: [`recorded ${quantity(p.recorded_s, "s")}`, `simulated ${quantity(p.simulated_s, "s")}`] }));
    return el("section", { className: "timeline" }, el("h3", {}, "Phases"), timelineChart(lanes, bars));
}

// --- results -------------------------------------------------------------------------------------------------------

function metricsView(metrics) {
    const rows = Object.entries(metrics).map(([name, m]) => [name, m]);
    if (!rows.length) return null;
    const recorded = rows.some(([, m]) => typeof m.recorded === "number");
    return el("section", {}, el("h3", {}, "Metrics"), el("div", { className: "scroll" }, el("table", {},
        el("thead", {}, el("tr", {}, el("th", {}, "metric"), el("th", {}, "value"), recorded ? el("th", {}, "recorded") : null, el("th", {}, "what it is"))),
        el("tbody", {}, rows.map(([name, m]) => el("tr", {}, el("td", {}, name), el("td", { className: "number" }, quantity(m.value, m.unit)),
            recorded ? el("td", { className: "number" }, quantity(m.recorded, m.unit)) : null, el("td", { className: "words" }, String(m.doc ?? ""))))))));
}

function breakdownView(parts) {
    const total = parts.reduce((sum, p) => sum + p.value, 0);
    if (!(total > 0)) return null;
    return el("section", { className: "breakdown" }, el("h3", {}, "Where the time goes"), el("table", {}, el("tbody", {}, parts.map((p) => {
        const share = 100 * p.value / total;
        const bar = el("div", { className: "bar" }, el("div", {}));
        bar.firstChild.style.width = share + "%";
        return el("tr", {}, el("td", { title: p.doc || "" }, p.name), el("td", { className: "number" }, quantity(p.value, "s")),
            el("td", { className: "number" }, share.toFixed(1) + " %"), el("td", {}, bar));
    }))));
}

/** {a: {b: 1}} -> {"a.b": 1}; lists are left out. */
function flatten(object, prefix = "", out = {}) {
    for (const [key, value] of Object.entries(object))
        if (value && typeof value === "object" && !Array.isArray(value)) flatten(value, prefix + key + ".", out);
        else if (!Array.isArray(value)) out[prefix + key] = value;
    return out;
}

/** Every list of objects in a document is a table. */
function foundTables(doc) {
    return Object.entries(doc).filter(([, v]) => Array.isArray(v) && v.length && v.every((o) => o && typeof o === "object" && !Array.isArray(o)))
        .map(([name, list]) => {
            const flat = list.map((o) => flatten(o)), keys = [...new Set(flat.flatMap((o) => Object.keys(o)))];
            const columns = keys.map((k) => ({ name: k, unit: "", text: flat.some((o) => typeof o[k] === "string") }));
            return { name, columns, rows: rowsOf(columns, flat.map((o) => Object.fromEntries(Object.entries(o).map(([k, v]) => [k, typeof v === "boolean" ? String(v) : v])))) };
        });
}

function resultView(doc) {
    const parts = [], known = new Set(["tables", "breakdown", "phases", "notes"]);
    if (doc.scenario && doc.scenario.description) parts.push(el("p", {}, doc.scenario.description));
    if (doc.metrics) parts.push(metricsView(doc.metrics));
    if (doc.drawing) parts.push(topologyView(doc.drawing));
    if (Array.isArray(doc.breakdown)) parts.push(breakdownView(doc.breakdown));
    if (Array.isArray(doc.phases)) parts.push(phasesView(doc.phases));
    for (const t of doc.tables || []) {
        const columns = t.columns.map((c) => ({ ...c, unit: c.unit === "text" ? "" : c.unit, text: c.unit === "text" }));
        if (t.rows.length) parts.push(tableSection({ name: t.name, doc: t.doc, columns, rows: rowsOf(columns, t.rows) }));
    }
    for (const t of foundTables(Object.fromEntries(Object.entries(doc).filter(([k]) => !known.has(k))))) parts.push(tableSection(t));
    for (const list of [doc.notes, doc.remarks])
        if (Array.isArray(list) && list.length) parts.push(el("h3", {}, "Notes"), el("ul", {}, list.map((n) => el("li", {}, String(n)))));
    return el("div", {}, parts);
}

/** A sweep's database, or a table of it as `moesim export` writes it. */
function sweepView(doc) {
    const columns = doc.columns.map((c) => ({ ...c, text: !doc.rows.some((r) => typeof r[c.name] === "number") }));
    const axes = columns.filter((c) => c.kind === "axis").map((c) => c.name), book = ["point", "setting", "seed", "status", "message", "n"];
    const others = columns.map((c) => c.name).filter((n) => !book.includes(n));
    const failed = doc.rows.filter((r) => r.status === "failed").length;
    return el("div", {}, tableSection({
        name: "points", doc: failed ? `${failed} of ${doc.rows.length} failed` : "", columns, rows: rowsOf(columns, doc.rows),
        keys: axes.length ? axes : others.slice(0, 1), values: others.filter((n) => !axes.includes(n)),
    }), failuresView(doc.failures || []));
}

/** Why points have failed: each message once, with the points that said it. */
function failuresView(failures) {
    const why = new Map();
    for (const f of failures) why.set(f.message, [...(why.get(f.message) || []), f.point]);
    if (!why.size) return null;
    return el("details", { className: "failures" }, el("summary", {}, `${failures.length} failed, why`), [...why].map(([message, points]) =>
        [el("p", {}, (points.length > 1 ? "points " : "point ") + points.slice(0, 20).join(", ") + (points.length > 20 ? ` and ${points.length - 20} more` : "")),
         el("pre", {}, String(message))]));
}

function provenanceView(doc) {
    const parts = [];
    const sources = doc.provenance && doc.provenance.sources ? flatten(doc.provenance.sources) : {};
    const rest = Object.entries(doc.provenance || {}).filter(([k]) => k !== "sources");
    if (rest.length) parts.push(el("dl", {}, rest.map(([k, v]) => [el("dt", {}, k), el("dd", {}, typeof v === "object" ? JSON.stringify(v) : String(v))])));
    const scenario = doc.scenario && typeof doc.scenario === "object" ? flatten(doc.scenario) : {};
    if (Object.keys(scenario).length)
        parts.push(el("div", { className: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["key", "value, SI", "where it is from"].map((t) => el("th", {}, t)))),
            el("tbody", {}, Object.entries(scenario).map(([k, v]) => el("tr", {}, el("td", {}, k), el("td", { className: "words" }, String(v)), el("td", { className: "words" }, String(sources[k] ?? ""))))))));
    if (doc.design) parts.push(el("pre", {}, String(doc.design)));
    return parts.length ? el("details", { className: "provenance" }, el("summary", {}, "Provenance: the resolved scenario and where its numbers are from"), parts) : null;
}

// --- the page ------------------------------------------------------------------------------------------------------

const VIEWS = { claims: claimsView, timeline: timelineView, sweep: sweepView, table: sweepView };

function main() {
    const { results } = JSON.parse(document.getElementById("data").textContent);
    const page = document.getElementById("results"), contents = document.getElementById("contents");
    page.replaceChildren();
    results.forEach((r, i) => {
        const title = (r.doc.scenario && r.doc.scenario.name) || r.file;
        contents.append(el("a", { href: "#r" + i }, title));
        page.append(el("article", { id: "r" + i, "data-kind": r.kind }, el("h2", {}, title),
            el("p", { className: "dim" }, `${r.file}: ${r.doc.kind || r.kind}`), (VIEWS[r.kind] || resultView)(r.doc), provenanceView(r.doc)));
    });
}

main();
})();
