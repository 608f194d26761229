/* Keeps the home page up to date: every part whose content changed is exchanged, and nothing else moves. */
"use strict";

(() => {
  const home = document.getElementById("home");
  if (!home) return;
  const status = document.getElementById("home-status");
  const every = Number(home.dataset.every) * 1000;
  let timer = 0;
  let asking = false;
  let lastAsked = Date.now();

  const selecting = () => {
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && home.contains(selection.anchorNode));
  };

  // The token in a form is another one at each answer, and says nothing.
  const content = (part) => part.innerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "").replace(/ open=""/g, "");

  const place = (element) => element.id || element.getAttribute("href") || "";

  const exchange = (old, fresh) => {
    const focused = old.contains(document.activeElement) ? place(document.activeElement) : "";
    const opened = [...old.querySelectorAll("details[open]")].map((each) => each.id);
    old.innerHTML = fresh.innerHTML;
    for (const id of opened) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    if (focused) {
      const again = [...old.querySelectorAll("a, button, summary")].find((each) => place(each) === focused);
      if (again) again.focus({ preventScroll: true });
    }
  };

  const shape = (root) => [...root.querySelectorAll("[data-part]")].map((each) => each.dataset.part).join();

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    const before = home.querySelector("#home-headline").textContent;
    const { scrollX, scrollY } = window;
    if (shape(fresh) !== shape(home)) {
      exchange(home, fresh);
    } else {
      for (const part of fresh.querySelectorAll("[data-part]")) {
        const old = home.querySelector(`[data-part="${part.dataset.part}"]`);
        if (content(old) !== content(part)) exchange(old, part);
      }
    }
    window.scrollTo(scrollX, scrollY);
    const after = home.querySelector("#home-headline").textContent;
    // Read out when it changed, and not each time.
    if (after !== before) status.textContent = after;
    else if (status.dataset.trouble) status.textContent = "";
    delete status.dataset.trouble;
  };

  const tell = (text) => {
    if (status.textContent !== text) status.textContent = text;
    status.dataset.trouble = "1";
  };

  const refresh = async () => {
    if (asking || document.hidden || selecting()) return;
    asking = true;
    lastAsked = Date.now();
    try {
      const answer = await fetch(home.dataset.fragment, {
        headers: { "X-Background": "1" },
        credentials: "same-origin",
        redirect: "manual",
        signal: AbortSignal.timeout(20000),
      });
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        tell(home.dataset.ended);
        window.clearInterval(timer);
      } else if (!answer.ok) {
        tell(home.dataset.silent);
      } else {
        const text = await answer.text();
        if (!selecting()) show(text);
      }
    } catch {
      tell(home.dataset.silent);
    } finally {
      asking = false;
    }
  };

  timer = window.setInterval(refresh, every);
  // Whoever comes back to the page sees what is so now.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - lastAsked >= every) refresh();
  });
  home.addEventListener("home:refresh", refresh);
})();
