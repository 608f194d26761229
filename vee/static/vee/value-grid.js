/*
 * The grid of values: typed or drawn on the chart, with undo and redo, a preview of Perform VEE, and only what was
 * changed sent. The chart listens and speaks by events, see readings-chart.js.
 */
"use strict";

(function () {
  const form = document.getElementById("edit-form");
  if (!form) {
    return;
  }
  const element = (id) => document.getElementById(id);
  const inputs = Array.from(form.querySelectorAll("input[data-received]"));
  const inputOf = (index) => element("value-" + index);
  const indexOf = (input) => Number(input.name.slice("value-".length));
  const isChanged = (input) => input.value.trim() !== input.dataset.received;
  const settled = new Map(inputs.map((input) => [input, input.value]));
  const done = [];
  const undone = [];
  const panel = element("preview");

  function show() {
    const count = inputs.filter(isChanged).length;
    const output = element("changes");
    output.textContent = count ? output.dataset.some + " " + count : output.dataset.none;
    element("undo").disabled = !done.length;
    element("redo").disabled = !undone.length;
    element("put-back").disabled = !count;
    if (panel && !panel.hidden && !panel.querySelector(".preview-stale")) {
      const note = document.createElement("p");
      note.className = "preview-stale workbench-badge badge-warn";
      note.textContent = panel.dataset.stale;
      panel.prepend(note);
      document.dispatchEvent(new CustomEvent("readings-previewed", { detail: { values: null } }));
    }
  }

  function put(input, text, final) {
    input.value = text;
    const trimmed = text.trim();
    const number = trimmed === "" ? null : Number(trimmed);
    input.classList.toggle("changed", isChanged(input));
    if (number === null || Number.isFinite(number)) {
      const detail = { index: indexOf(input), value: number, original: !isChanged(input), settled: final };
      document.dispatchEvent(new CustomEvent("reading-changed", { detail: detail }));
    }
  }

  function settle(changes) {
    const real = changes.filter((change) => change.before !== change.after);
    if (!real.length) {
      return;
    }
    done.push(real);
    undone.length = 0;
    real.forEach((change) => settled.set(change.input, change.after));
    show();
  }
  function step(from, to, side) {
    const changes = from.pop();
    if (!changes) {
      return;
    }
    to.push(changes);
    changes.forEach((change) => {
      settled.set(change.input, change[side]);
      put(change.input, change[side], true);
    });
    show();
    changes[0].input.focus();
  }
  const undo = () => step(done, undone, "before");
  const redo = () => step(undone, done, "after");

  inputs.forEach((input) => {
    input.addEventListener("input", () => put(input, input.value, true));
    input.addEventListener("change", () => settle([{ input: input, before: settled.get(input), after: input.value }]));
    input.addEventListener("keydown", (event) => {
      const moves = { ArrowUp: -1, ArrowDown: 1, Enter: 1 };
      if (moves[event.key] && !event.ctrlKey) {
        event.preventDefault();
        const next = inputs[inputs.indexOf(input) + moves[event.key]];
        if (next) {
          next.focus();
          next.select();
        } else {
          input.blur();
          input.focus();
        }
      }
    });
  });

  if (inputs.length) {
    element("undo").addEventListener("click", undo);
    element("redo").addEventListener("click", redo);
    element("put-back").addEventListener("click", () => {
      const changes = inputs.filter(isChanged).map((input) => ({ input: input, before: input.value, after: input.dataset.received }));
      changes.forEach((change) => put(change.input, change.after, true));
      settle(changes);
    });
    document.addEventListener("keydown", (event) => {
      const target = event.target;
      const own = target.tagName === "TEXTAREA" || (target.tagName === "INPUT" && (!settled.has(target) || settled.get(target) !== target.value));
      if (!(event.ctrlKey || event.metaKey) || own) {
        return;
      }
      const key = event.key.toLowerCase();
      if (key === "z" || key === "y") {
        event.preventDefault();
        (key === "y" || event.shiftKey ? redo : undo)();
      }
    });
    document.addEventListener("reading-drawn", (event) => {
      const { index, value, final } = event.detail;
      const input = inputOf(index);
      put(input, String(value), final);
      if (final) {
        settle([{ input: input, before: settled.get(input), after: input.value }]);
      }
    });
  }

  async function preview() {
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    inputs.filter(isChanged).forEach((input) => body.set(input.name, input.value));
    const button = element("preview-button");
    button.disabled = true;
    let text = panel.dataset.failed;
    let good = false;
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: body, credentials: "same-origin" });
      good = answer.ok;
      if (good || answer.status === 400) {
        text = await answer.text();
      }
    } catch (error) {
      good = false; // no connection: the sentence above says so
    }
    button.disabled = false;
    panel.hidden = false;
    if (good) {
      panel.innerHTML = text;
      document.dispatchEvent(new CustomEvent("readings-previewed", { detail: { values: JSON.parse(element("preview-data").textContent) } }));
      element("preview-title").focus();
    } else {
      panel.textContent = text;
    }
    panel.scrollIntoView({ block: "nearest" });
  }
  if (element("preview-button")) {
    element("preview-button").addEventListener("click", preview);
  }

  // Only what was changed is sent, so that a save says exactly what a person did.
  form.addEventListener("submit", () => inputs.forEach((input) => { input.disabled = !isChanged(input); }));
  window.addEventListener("pageshow", () => inputs.forEach((input) => { input.disabled = false; }));

  // An exception leads to its first interval in the grid; a key to the first that is flagged.
  function goTo(cell) {
    cell.scrollIntoView({ block: "center" });
    cell.focus();
    if (cell.select) {
      cell.select();
    }
  }
  document.querySelectorAll("[data-interval]").forEach((button) =>
    button.addEventListener("click", () => goTo(inputOf(button.dataset.interval))),
  );
  document.addEventListener("keydown", (event) => {
    const off = localStorage.getItem("workbench.shortcuts") === "off" || document.querySelector("dialog[open]");
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "e" && !off && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const flagged = form.querySelector(".value-cell.flagged input") || inputs[0];
      if (flagged) {
        event.preventDefault();
        goTo(flagged);
      }
    }
  });
})();
