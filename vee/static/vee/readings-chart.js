/*
 * Draws the readings of one IMD: received against after VEE, each quality in its colour, estimates hatched, flagged and
 * missing parts shaded, like days as a band, gaps never bridged. Reads the JSON in #readings-data; runs under a
 * Content-Security-Policy without inline scripts. Other scripts of the page talk to it by events on the document:
 *   reading-changed {index, value}         a value of the grid changed: null is no value
 *   reading-drawn {index, value, final}    somebody draws on the chart: the bar of one interval
 *   readings-previewed {values}            what a preview would make of them; null takes it away
 */
"use strict";

(function () {
  const source = document.getElementById("readings-data");
  const place = document.getElementById("readings-chart");
  if (!source || !place || typeof uPlot === "undefined") {
    return;
  }
  const data = JSON.parse(source.textContent);
  const ends = data.ends;
  if (!ends.length) {
    return;
  }
  const step = data.seconds_per_interval || 900;
  const first = ends[0] - step;
  const last = ends[ends.length - 1];
  const HEIGHT = 340;
  const QUALITIES = ["regular", "super", "estimated", "external", "edited"];
  const HATCHED = { estimated: 1, external: -1 };
  const qualities = data.qualities.slice();
  const values = data.post.slice();
  let preview = null;
  const hidden = new Set();

  const dark = () => document.documentElement.classList.contains("dark");
  const LIGHT = { text: "#475569", grid: "#e2e8f0", received: "#334155", preview: "#be185d", like: "rgba(13,148,136,.20)",
    regular: "#2563eb", super: "#15803d", estimated: "#b45309", external: "#a16207", edited: "#9333ea",
    ISSUE: "rgba(249,115,22,.20)", TERMINATE: "rgba(239,68,68,.22)", INFO: "rgba(59,130,246,.12)", gap: "rgba(100,116,139,.16)" };
  const DARK = { text: "#cbd5e1", grid: "#27303f", received: "#e2e8f0", preview: "#f9a8d4", like: "rgba(45,212,191,.20)",
    regular: "#60a5fa", super: "#4ade80", estimated: "#fbbf24", external: "#fde047", edited: "#c084fc",
    ISSUE: "rgba(251,146,60,.24)", TERMINATE: "rgba(248,113,113,.28)", INFO: "rgba(96,165,250,.18)", gap: "rgba(148,163,184,.20)" };

  function hatch(colour, slope) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.fillStyle = colour + "40";
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    [-8, 0, 8].forEach((shift) => {
      pen.beginPath();
      pen.moveTo(shift, slope > 0 ? 8 : 0);
      pen.lineTo(shift + 8, slope > 0 ? 0 : 8);
      pen.stroke();
    });
    return pen.createPattern(tile, "repeat");
  }

  function shade(u, from, to, colour) {
    const left = u.valToPos(ends[from] - step, "x", true);
    const right = u.valToPos(ends[to], "x", true);
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    u.ctx.clip();
    u.ctx.fillStyle = colour;
    u.ctx.fillRect(left, u.bbox.top, Math.max(right - left, 2), u.bbox.height);
    u.ctx.restore();
  }

  function drawBands(u, c) {
    let start = null;
    for (let index = 0; index <= values.length; index += 1) {
      const missing = index < values.length && values[index] === null;
      if (missing && start === null) {
        start = index;
      } else if (!missing && start !== null) {
        shade(u, start, index - 1, c.gap);
        start = null;
      }
    }
    data.flags.forEach((flag) => shade(u, flag.first, flag.last, c[flag.severity] || c.ISSUE));
  }

  // A line reaches back over an interval from its end: the beginning of the first one is put before it, with no bar.
  // That also gives one interval alone the width that the library could not tell.
  const alone = ends.length === 1;
  const line = (column) => [column[0], ...column];
  const bar = (column) => [null, ...column];
  const columns = () => [
    [first, ...ends], line(data.high), line(data.low),
    ...QUALITIES.map((name) => bar(values.map((value, index) => (qualities[index] === name ? value : null)))),
    line(data.pre), line(preview || ends.map(() => null)),
  ];
  const indexAt = (seconds) => Math.min(Math.max(Math.ceil((seconds - first) / step) - 1, 0), ends.length - 1);

  const zone = data.time_zone;
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  const date = new Intl.DateTimeFormat(document.documentElement.lang === "de" ? "de" : "en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short" });
  function tick(seconds) {
    const at = new Date(seconds * 1000);
    const text = clock.format(at);
    return text === "00:00" || text === "24:00" ? date.format(at) : text;
  }

  const readout = document.getElementById("chart-readout");
  function tell(index) {
    const number = (value) => (value === null || value === undefined ? "–" : value + " " + data.uom);
    const parts = [data.labels[index], number(values[index]), qualities[index] === "edited" ? "" : data.conditions[index]];
    if (data.pre[index] !== values[index]) {
      parts.push(readout.dataset.received + " " + number(data.pre[index]));
    }
    if (data.low[index] !== null) {
      parts.push(readout.dataset.like + " " + data.low[index] + " – " + data.high[index]);
    }
    if (preview && preview[index] !== values[index]) {
      parts.push(readout.dataset.preview + " " + number(preview[index]));
    }
    data.flags.filter((flag) => flag.first <= index && index <= flag.last).forEach((flag) => parts.push(flag.message));
    readout.textContent = parts.filter(Boolean).join(" · ");
  }

  let chart = null;
  let drawing = false;
  let fitted = false;
  const flagged = new Set();
  data.flags.forEach((flag) => {
    for (let index = flag.first; index <= flag.last; index += 1) {
      flagged.add(index);
    }
  });
  function heightWithoutFlagged(u) {
    const seen = values.map((value, index) => {
      const inside = ends[index] > u.scales.x.min && ends[index] <= u.scales.x.max + step;
      return inside && !flagged.has(index) ? Math.max(value || 0, data.high[index] || 0) : 0;
    });
    return Math.max(...seen) * 1.25 || 1;
  }
  function build() {
    const c = dark() ? DARK : LIGHT;
    const zoomed = chart ? { min: chart.scales.x.min, max: chart.scales.x.max } : null;
    if (chart) {
      chart.destroy();
    }
    const font = "12px Inter, sans-serif";
    const axis = { stroke: c.text, grid: { stroke: c.grid, width: 1 }, ticks: { stroke: c.grid, width: 1 }, font: font };
    const bars = uPlot.paths.bars({ size: [0.9, alone ? Infinity : 60], align: -1 });
    const stepped = uPlot.paths.stepped({ align: -1 });
    const quiet = { points: { show: false }, spanGaps: false };
    const shown = (part) => !hidden.has(part);
    const barOf = (name) => {
      const fill = HATCHED[name] ? hatch(c[name], HATCHED[name]) : c[name] + "b0";
      return Object.assign({ show: shown(name), paths: bars, fill: () => fill, stroke: c[name], width: HATCHED[name] ? 1 : 0 }, quiet);
    };
    const options = {
      width: place.clientWidth || 900,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      padding: [null, 34, null, null],
      legend: { show: false },
      cursor: { drag: { x: !drawing, y: false }, points: { show: false } },
      // A bar stands on zero and begins one interval before its label.
      scales: {
        x: { time: true, range: (u, low, high) => (alone ? [first - step, last + step] : [low, high]) },
        y: { range: (u, low, high) => [Math.min(low || 0, 0), fitted ? heightWithoutFlagged(u) : high > 0 ? high * 1.05 : 1] },
      },
      axes: [
        Object.assign({}, axis, { values: (u, splits) => splits.map(tick) }),
        Object.assign({}, axis, { size: 60, label: data.uom, labelSize: 20, labelFont: font }),
      ],
      bands: [{ series: [1, 2], fill: c.like }],
      series: [
        {},
        Object.assign({ show: shown("like"), paths: stepped, width: 0 }, quiet),
        Object.assign({ show: shown("like"), paths: stepped, width: 0 }, quiet),
        ...QUALITIES.map(barOf),
        Object.assign({ show: shown("received"), paths: stepped, stroke: c.received, width: 1.5 }, quiet),
        Object.assign({ show: shown("preview"), paths: stepped, stroke: c.preview, width: 2.5, dash: [6, 4] }, quiet),
      ],
      hooks: {
        drawAxes: [(u) => drawBands(u, c)],
        setCursor: [(u) => u.cursor.left >= 0 && tell(indexAt(u.posToVal(u.cursor.left, "x")))],
      },
    };
    chart = new uPlot(options, columns(), place);
    if (zoomed && (zoomed.min > first || zoomed.max < last)) {
      chart.setScale("x", zoomed);
    }
    listen(chart.over);
  }

  function refresh(rescale) {
    const { min, max } = chart.scales.x;
    chart.batch(() => {
      chart.setData(columns(), false);
      if (rescale) {
        chart.setScale("x", { min: min, max: max });
      } else {
        chart.redraw();
      }
    });
  }

  function look(low, high) {
    const width = Math.min(Math.max(high - low, step * 4), last - first);
    const from = Math.min(Math.max(low, first), last - width);
    chart.setScale("x", { min: from, max: from + width });
  }
  function zoom(factor, shift) {
    const { min, max } = chart.scales.x;
    const middle = (min + max) / 2 + (max - min) * shift;
    const half = ((max - min) * factor) / 2;
    look(middle - half, middle + half);
  }

  // Drawing: the bar under the pointer follows it.
  function listen(over) {
    let held = null;
    const report = (event, final) => {
      const top = event.clientY - over.getBoundingClientRect().top;
      const value = chart.posToVal(Math.min(Math.max(top, -HEIGHT), over.clientHeight), "y");
      const rounded = Number(Math.max(value, chart.scales.y.min).toFixed(data.decimals));
      document.dispatchEvent(new CustomEvent("reading-drawn", { detail: { index: held, value: rounded, final: final } }));
    };
    over.addEventListener("pointerdown", (event) => {
      if (drawing && event.button === 0) {
        held = indexAt(chart.posToVal(event.clientX - over.getBoundingClientRect().left, "x"));
        over.setPointerCapture(event.pointerId);
        event.preventDefault();
      }
    });
    over.addEventListener("pointermove", (event) => held !== null && report(event, false));
    over.addEventListener("pointerup", (event) => {
      if (held !== null) {
        report(event, true);
        held = null;
      }
    });
    over.addEventListener("pointercancel", () => { held = null; });
  }

  document.addEventListener("reading-changed", (event) => {
    const { index, value, original, settled } = event.detail;
    values[index] = value;
    qualities[index] = original ? data.qualities[index] : value === null ? "missing" : "edited";
    refresh(settled !== false);
    tell(index);
  });
  document.addEventListener("readings-previewed", (event) => {
    preview = event.detail.values;
    const button = document.querySelector("[data-part=preview]");
    if (button) {
      button.hidden = !preview;
    }
    refresh(true);
  });

  const on = (id, act) => {
    const button = document.getElementById(id);
    if (button) {
      button.addEventListener("click", act);
    }
  };
  on("zoom-in", () => zoom(0.5, 0));
  on("zoom-out", () => zoom(2, 0));
  on("zoom-left", () => zoom(1, -0.5));
  on("zoom-right", () => zoom(1, 0.5));
  on("zoom-all", () => look(first, last));
  on("fit-height", (event) => {
    fitted = !fitted;
    event.currentTarget.setAttribute("aria-pressed", String(fitted));
    build();
  });
  on("draw-values", (event) => {
    drawing = !drawing;
    event.currentTarget.setAttribute("aria-pressed", String(drawing));
    place.classList.toggle("drawing", drawing);
    build();
  });
  document.querySelectorAll("[data-part]").forEach((button) =>
    button.addEventListener("click", () => {
      const part = button.dataset.part;
      const now = !hidden.delete(part);
      if (now) {
        hidden.add(part);
      }
      button.setAttribute("aria-pressed", String(!now));
      build();
    }),
  );

  document.getElementById("chart-bar").hidden = false;
  build();
  if (alone) {
    tell(0);
  }
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  new MutationObserver(build).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
})();
