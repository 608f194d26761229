/*
 * Draws one device's event: the baseline before and after adjustment against what was measured, kW by interval.
 * Reads the JSON in #performance-data; runs under a Content-Security-Policy without inline scripts.
 */
"use strict";

(function () {
  const source = document.getElementById("performance-data");
  const place = document.getElementById("performance-chart");
  if (!source || !place || typeof uPlot === "undefined") {
    return;
  }
  const data = JSON.parse(source.textContent);
  const dark = () => document.documentElement.classList.contains("dark");
  const stepped = uPlot.paths.stepped({ align: 1 });
  let chart = null;

  function draw() {
    const c = dark()
      ? { text: "#cbd5e1", grid: "#27303f", unadjusted: "#94a3b8", baseline: "#60a5fa", actual: "#4ade80" }
      : { text: "#475569", grid: "#e2e8f0", unadjusted: "#94a3b8", baseline: "#2563eb", actual: "#16a34a" };
    if (chart) {
      chart.destroy();
    }
    const axis = { stroke: c.text, grid: { stroke: c.grid, width: 1 }, ticks: { stroke: c.grid } };
    const line = (label, stroke, more) =>
      Object.assign({ label: label, stroke: stroke, width: 2, paths: stepped, points: { show: false } }, more);
    chart = new uPlot(
      {
        width: place.clientWidth || 800,
        height: 300,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.zone),
        scales: { y: { range: (u, low, high) => [Math.min(0, low), high * 1.1 || 1] } },
        axes: [axis, Object.assign({ label: "kW" }, axis)],
        series: [
          { label: data.labels.time },
          line(data.labels.unadjusted, c.unadjusted, { dash: [6, 4] }),
          line(data.labels.baseline, c.baseline, {}),
          line(data.labels.actual, c.actual, { fill: c.actual + "33" }),
        ],
      },
      [data.times, data.unadjusted, data.baseline, data.actual],
      place
    );
  }

  draw();
  window.addEventListener("resize", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
})();
