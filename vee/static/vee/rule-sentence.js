/*
 * Says in words what the rule of a form would do, while its fields are being changed.
 */
"use strict";

(function () {
  const place = document.getElementById("rule-sentences");
  if (!place) {
    return;
  }
  const NAMES = ["rule", "severity", "parameters", "eligibility", "exception_type"];
  const waiting = new Map();

  function prefixOf(element) {
    const found = /^(rules-\d+)-(\w+)$/.exec(element.name || "");
    return found && NAMES.includes(found[2]) ? found[1] : null;
  }

  async function say(prefix, form) {
    const output = document.querySelector("[data-sentence-of='" + prefix + "']") || made(prefix, form);
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    NAMES.forEach((name) => {
      const field = form.elements[prefix + "-" + name];
      body.append(name, field ? field.value : "");
    });
    const answer = await fetch(place.dataset.address, { method: "POST", body, credentials: "same-origin" });
    if (answer.ok && output) {
      const words = await answer.json();
      output.textContent = words.sentence;
      output.classList.toggle("rule-unreadable", words.problem);
    }
  }

  function made(prefix, form) {
    const field = form.elements[prefix + "-parameters"];
    if (!field) {
      return null;
    }
    const output = document.createElement("p");
    output.className = "rule-said";
    output.dataset.sentenceOf = prefix;
    output.setAttribute("role", "status");
    (field.closest(".rule-json") || field).insertAdjacentElement("afterend", output);
    return output;
  }

  function changed(event) {
    const prefix = prefixOf(event.target);
    if (prefix) {
      clearTimeout(waiting.get(prefix));
      waiting.set(prefix, setTimeout(() => say(prefix, event.target.form), 350));
    }
  }
  document.addEventListener("input", changed);
  document.addEventListener("change", changed);
})();
