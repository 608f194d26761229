/*
 * Draws the readings of one IMD: received against after VEE, estimated and edited parts marked, flagged intervals
 * shaded, gaps never bridged. Reads the JSON in #readings-data; runs under a Content-Security-Policy without
 * inline scripts.
 */
"use strict";

(function () {
  const source = document.getElementById("readings-data");
  const place = document.getElementById("readings-chart");
  if (!source || !place || typeof uPlot === "undefined") {
    return;
  }
  const data = JSON.parse(source.textContent);
  const dark = () => document.documentElement.classList.contains("dark");
  const colours = () =>
    dark()
      ? { text: "#cbd5e1", grid: "#27303f", pre: "#94a3b8", post: "#60a5fa", estimated: "#fbbf24", edited: "#c084fc",
          ISSUE: "rgba(251,146,60,.22)", TERMINATE: "rgba(248,113,113,.26)", INFO: "rgba(96,165,250,.18)", gap: "rgba(148,163,184,.16)" }
      : { text: "#475569", grid: "#e2e8f0", pre: "#94a3b8", post: "#2563eb", estimated: "#d97706", edited: "#9333ea",
          ISSUE: "rgba(249,115,22,.18)", TERMINATE: "rgba(239,68,68,.2)", INFO: "rgba(59,130,246,.12)", gap: "rgba(100,116,139,.12)" };

  const ends = data.ends;
  const step = data.seconds_per_interval || 900;
  const inBand = (code, low) => code >= low && code < low + 100000;
  const pick = (test) => data.post.map((value, index) => (test(index) ? value : null));
  const isEdited = (index) => data.rules[index] === -1;
  const isEstimated = (index) =>
    !isEdited(index) && (inBand(data.conditions[index], 300000) || inBand(data.conditions[index], 400000));

  function shade(u, first, last, colour) {
    const left = u.valToPos(ends[first] - step, "x", true);
    const right = u.valToPos(ends[last], "x", true);
    u.ctx.save();
    u.ctx.fillStyle = colour;
    u.ctx.fillRect(left, u.bbox.top, Math.max(right - left, 2), u.bbox.height);
    u.ctx.restore();
  }

  function drawBands(u) {
    const c = colours();
    let start = null;
    for (let index = 0; index <= data.post.length; index += 1) {
      const missing = index < data.post.length && data.post[index] === null;
      if (missing && start === null) {
        start = index;
      } else if (!missing && start !== null) {
        shade(u, start, index - 1, c.gap);
        start = null;
      }
    }
    data.flags.forEach((flag) => shade(u, flag.first, flag.last, c[flag.severity] || c.ISSUE));
  }

  let chart = null;
  function draw() {
    const c = colours();
    if (chart) {
      chart.destroy();
    }
    const axis = { stroke: c.text, grid: { stroke: c.grid, width: 1 }, ticks: { stroke: c.grid, width: 1 }, font: "12px Inter, sans-serif" };
    const bars = uPlot.paths.bars({ size: [0.9, 60], align: -1 });
    const format = (u, value) => (value === null || value === undefined ? "–" : String(value) + " " + data.uom);
    const options = {
      width: place.clientWidth || 900,
      height: 320,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.time_zone),
      cursor: { drag: { x: true, y: false } },
      // A bar stands on zero and begins one interval before its label.
      scales: {
        x: { time: true, range: (u, low, high) => [low === ends[0] ? low - step : low, high] },
        y: { range: (u, low, high) => [Math.min(low || 0, 0), high > 0 ? high * 1.05 : 1] },
      },
      axes: [axis, Object.assign({}, axis, { size: 70, label: data.uom, labelSize: 20, labelFont: "12px Inter, sans-serif" })],
      series: [
        { label: "Interval end", value: (u, seconds) => (seconds === null ? "–" : data.labels[ends.indexOf(seconds)] || "") },
        { label: "After VEE", paths: bars, fill: c.post + "99", stroke: c.post, width: 0, points: { show: false }, value: format },
        { label: "Estimated", paths: bars, fill: c.estimated + "cc", stroke: c.estimated, width: 0, points: { show: false }, value: format },
        { label: "Edited", paths: bars, fill: c.edited + "cc", stroke: c.edited, width: 0, points: { show: false }, value: format },
        { label: "Received", paths: uPlot.paths.stepped({ align: -1 }), stroke: c.pre, width: 2, spanGaps: false, points: { show: false }, value: format },
      ],
      hooks: { drawAxes: [drawBands] },
    };
    const regular = pick((index) => !isEdited(index) && !isEstimated(index));
    chart = new uPlot(options, [ends, regular, pick(isEstimated), pick(isEdited), data.pre], place);
  }

  draw();
  new ResizeObserver(() => chart && chart.setSize({ width: place.clientWidth, height: 320 })).observe(place);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });

  // A click on an exception scrolls its first interval into view in the grid.
  document.querySelectorAll("[data-interval]").forEach((element) => {
    element.addEventListener("click", () => {
      const cell = document.getElementById("value-" + element.dataset.interval);
      if (cell) {
        cell.scrollIntoView({ block: "center", behavior: "smooth" });
        cell.focus();
      }
    });
  });

  // Only what was changed is sent, so that a save says exactly what a person did.
  const form = document.getElementById("edit-form");
  if (form) {
    form.addEventListener("submit", () => {
      form.querySelectorAll("input[data-received]").forEach((input) => {
        input.disabled = input.value.trim() === input.dataset.received;
      });
    });
    form.querySelectorAll("input[data-received]").forEach((input) => {
      input.addEventListener("input", () => {
        input.classList.toggle("changed", input.value.trim() !== input.dataset.received);
      });
    });
  }
})();
