/*
 * Draws the fields of a rule's parameters from its declarations. What is stored and sent stays the JSON in the text area:
 * fields write into it and are filled from it, and what no field can express is typed there. A field that is left empty
 * is left out, and the rule's default counts. Without this script the JSON is typed.
 */
"use strict";

(function () {
  const place = document.getElementById("rule-parameters");
  const source = document.getElementById("rule-declarations");
  if (!place || !source) {
    return;
  }
  const DECLARED = JSON.parse(source.textContent);
  const words = place.dataset;
  const FEW = 4;

  // Numbers go through as they are written where the browser can: a number of JavaScript has fewer digits than theirs.
  const asWritten = (text) => (JSON.rawJSON ? JSON.rawJSON(text) : Number(text));
  const keep = (key, value, context) => (typeof value === "number" && context && context.source ? asWritten(context.source) : value);
  const isNumber = (text) => /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text);
  const typed = (text, number) => (number && isNumber(text) ? asWritten(text) : text);
  const shown = (value) => (value === null || value === undefined ? "" : JSON.isRawJSON && JSON.isRawJSON(value) ? value.rawJSON : String(value));

  function element(tag, more, ...children) {
    const made = document.createElement(tag);
    Object.assign(made, more);
    made.append(...children);
    return made;
  }

  function read(area) {
    try {
      const found = JSON.parse(area.value || "{}", keep);
      return found && typeof found === "object" && !Array.isArray(found) ? found : null;
    } catch (error) {
      return null; // typed by hand and not finished: the sentence of the rule says so
    }
  }

  function defaultText(field) {
    if (field.required) {
      return words.required;
    }
    const chosen = field.choices.find(([value]) => value === field.default);
    if (chosen) {
      return words.default + " " + chosen[1];
    }
    const plain = field.default === null || field.default === "" ? words.nothing : field.default;
    if (field.kind === "yes or no") {
      return words.default + " " + (plain === true ? words.yes : words.no);
    }
    return words.default + " " + (Array.isArray(plain) ? plain.join(field.kind === "condition range" ? " – " : ", ") : plain);
  }

  // Each kind gives the controls of a field, how they are filled and what they say; undefined is "left out".
  function lineOf(field, id, number) {
    const input = element("input", { type: "text", id: id, autocomplete: "off", placeholder: defaultText(field) });
    if (number) {
      input.inputMode = field.kind === "whole number" ? "numeric" : "decimal";
    }
    return input;
  }
  function choiceOf(field, id, options) {
    const select = element("select", { id: id });
    const all = [["", field.required ? "–" : defaultText(field)], ...options];
    if (field.optional && field.default !== null) {
      all.push(["null", words.nothing]);
    }
    all.forEach(([value, text]) => select.append(element("option", { value: value, textContent: text })));
    return select;
  }
  const KINDS = {
    choice(field, id) {
      const select = choiceOf(field, id, field.choices);
      return {
        nodes: [select],
        fill: (value) => { select.value = value === null && field.default !== null ? "null" : shown(value); },
        value: () => (select.value === "" ? undefined : select.value === "null" ? null : select.value),
      };
    },
    "yes or no"(field, id) {
      const select = choiceOf(field, id, [["true", words.yes], ["false", words.no]]);
      return {
        nodes: [select],
        fill: (value) => { select.value = shown(value); },
        value: () => (select.value === "" ? undefined : select.value === "null" ? null : select.value === "true"),
      };
    },
    "condition range"(field, id) {
      const [low, high] = ["from", "to"].map((end, at) =>
        element("input", {
          type: "text", inputMode: "numeric", autocomplete: "off", id: id + (at ? "-to" : ""), ariaLabel: field.label + " " + words[end],
          placeholder: Array.isArray(field.default) ? field.default[at] : words[end],
        }),
      );
      const nodes = [low, element("span", { textContent: "–" }), high];
      const none = element("input", { type: "checkbox" });
      if (field.optional && field.default !== null) {
        nodes.push(element("label", { className: "rule-line" }, none, words.nothing));
      }
      return {
        nodes: nodes,
        fill: (value) => {
          none.checked = value === null;
          const ends = Array.isArray(value) ? value : [];
          low.value = shown(ends[0]);
          high.value = shown(ends[1]);
          low.disabled = high.disabled = none.checked;
        },
        value: () => {
          low.disabled = high.disabled = none.checked;
          const ends = [low.value.trim(), high.value.trim()];
          return none.checked ? null : ends.every((end) => !end) ? undefined : ends.map((end) => typed(end, true));
        },
      };
    },
    list(field, id) {
      const input = lineOf(field, id, false);
      return {
        nodes: [input],
        fill: (value) => { input.value = Array.isArray(value) ? value.map(shown).join(", ") : shown(value); },
        value: () => {
          const parts = input.value.split(",").map((part) => part.trim()).filter(Boolean);
          return parts.length ? parts.map((part) => typed(part, field.numbers)) : undefined;
        },
      };
    },
  };
  function plainKind(field, id) {
    const number = field.kind === "decimal" || field.kind === "whole number";
    const input = lineOf(field, id, number);
    return {
      nodes: [input],
      fill: (value) => { input.value = shown(value); },
      value: () => (input.value.trim() === "" ? undefined : typed(input.value.trim(), number)),
    };
  }

  function draw(field, area, values, tell) {
    const id = area.id + "--" + field.name;
    const note = element("small", { id: id + "-help" });
    const said = [field.help, field.bounds, field.kind === "list" ? words.listed : "", field.kind === "json" ? words.only : ""];
    note.textContent = said.filter(Boolean).join(" · ");
    if (field.kind === "json") {
      return { name: field.name, node: element("div", { className: "rule-field" }, element("strong", { textContent: field.label }), note), fill: () => {}, json: true };
    }
    const drawn = (KINDS[field.kind] || plainKind)(field, id);
    const label = element("label", { htmlFor: id, textContent: field.label });
    if (field.required) {
      label.append(element("span", { textContent: " *", ariaHidden: "true" }));
    }
    const line = element("span", { className: "rule-line" }, ...drawn.nodes);
    if (field.unit) {
      line.append(element("span", { textContent: field.unit }));
    }
    line.querySelectorAll("input, select").forEach((control) => {
      control.setAttribute("aria-describedby", note.id);
      control.dataset.parameter = field.name;
    });
    drawn.fill(values[field.name]);
    const node = element("div", { className: "rule-field" }, label, line, note);
    // "change" comes also from a field that is taken away while somebody is in it.
    node.addEventListener("input", (event) => {
      event.stopPropagation();
      tell(field.name, drawn.value());
    });
    return { name: field.name, node: node, fill: drawn.fill };
  }

  function begin(area) {
    const form = area.form;
    const chosen = form.elements[area.name.replace(/-parameters$/, "-rule")];
    if (!chosen || area.closest(".rule-json")) {
      return;
    }
    const fields = element("div", { className: "rule-parameters", role: "group", ariaLabel: words.legend });
    const json = element("details", { className: "rule-json" }, element("summary", { textContent: words.json }));
    area.before(fields, json);
    json.append(area);
    area.setAttribute("aria-label", words.json);
    const earlier = new Map();
    let drawn = [];
    let rule = chosen.value;
    let own = false;

    function say(name, value) {
      const values = read(area);
      if (values === null) {
        json.open = true;
        return;
      }
      if (value === undefined) {
        delete values[name];
      } else {
        values[name] = value;
      }
      put(JSON.stringify(values));
    }
    function put(text) {
      area.value = text;
      own = true;
      area.dispatchEvent(new Event("input", { bubbles: true }));
      own = false;
    }
    function build() {
      const declared = DECLARED[rule];
      const values = read(area);
      fields.replaceChildren();
      drawn = [];
      // What the fields cannot show is shown as it is.
      const known = new Set((declared || []).map((field) => field.name));
      json.open = !declared || values === null || Object.keys(values).some((name) => !known.has(name));
      if (!declared) {
        return;
      }
      if (!declared.length) {
        fields.append(element("p", { className: "workbench-muted", textContent: words.bare }));
        return;
      }
      const near = element("div", { className: "rule-fields" });
      const far = element("div", { className: "rule-fields" });
      const isNear = (field) => declared.length <= FEW || field.required || field.name in (values || {});
      declared.forEach((field) => {
        const one = draw(field, area, values || {}, say);
        drawn.push(one);
        (isNear(field) ? near : far).append(one.node);
      });
      fields.append(near);
      if (far.children.length) {
        fields.append(element("details", {}, element("summary", { textContent: words.more + " " + far.children.length }), far));
      }
    }

    area.addEventListener("input", () => {
      const values = own ? null : read(area);
      if (values !== null) {
        drawn.forEach((one) => one.fill(values[one.name]));
      }
    });
    chosen.addEventListener("change", () => {
      earlier.set(rule, area.value);
      rule = chosen.value;
      put(earlier.get(rule) || "{}");
      build();
    });
    build();
  }

  const all = (within) => within.querySelectorAll("textarea[name$='-parameters']:not([name*='__prefix__'])").forEach(begin);
  document.addEventListener("formset:added", (event) => all(event.target));
  all(document);
})();
