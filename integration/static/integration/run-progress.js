/*
 * Keeps the progress of a run with a file fresh: asks every two seconds, changes only the texts that changed, rests
 * while the tab is hidden, and stops when the run has ended. Runs under a Content-Security-Policy without inline scripts.
 */
"use strict";

(function () {
  const place = document.getElementById("run-progress");
  if (!place || place.dataset.ended === "true") {
    return;
  }
  const PAUSE = 2000;
  const MOST_FAILURES = 5;
  let failures = 0;
  let timer = null;
  let asking = false;

  function set(name, text) {
    const target = place.querySelector("[data-progress='" + name + "']");
    if (target && target.textContent !== text) {
      target.textContent = text;
    }
  }

  function show(now) {
    const bar = place.querySelector("progress");
    bar.value = now.percent;
    bar.textContent = now.percent + " %";
    set("percent", now.percent + " %");
    set("state", now.state);
    set("rows", now.rows);
    set("rate", now.rate);
    set("left", now.left);
    set("segments", now.segments.map((each) => each.label + ": " + each.count).join(" · ") || "–");
    if (now.ended) {
      place.dataset.ended = "true";
      place.querySelector("[data-progress-end]").hidden = false;
    }
  }

  function next() {
    window.clearTimeout(timer);
    if (place.dataset.ended !== "true" && !document.hidden && failures < MOST_FAILURES) {
      timer = window.setTimeout(ask, PAUSE);
    }
  }

  async function ask() {
    if (asking) {
      return;
    }
    asking = true;
    try {
      const answer = await fetch(place.dataset.address, { headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) {
        throw new Error("HTTP " + answer.status);
      }
      show(await answer.json());
      failures = 0;
    } catch (error) {
      failures += 1;
    } finally {
      asking = false;
      next();
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      window.clearTimeout(timer);
    } else {
      failures = 0;
      ask();
    }
  });
  next();
})();
