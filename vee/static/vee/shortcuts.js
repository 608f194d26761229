/*
 * Single keys for the work queue and the workbench. What carries data-key is clicked by that key; a list's rows are
 * walked by j and k. Keys do nothing while somebody types, and a person can turn them off (WCAG 2.1.4).
 */
"use strict";

(function () {
  const dialog = document.getElementById("shortcuts");
  const choice = document.getElementById("shortcuts-on");
  const KEPT = "workbench.shortcuts";
  choice.checked = localStorage.getItem(KEPT) !== "off";
  choice.addEventListener("change", () => localStorage.setItem(KEPT, choice.checked ? "on" : "off"));

  const rows = () => Array.from(document.querySelectorAll("#result_list tbody tr")).filter((row) => row.querySelector("th a, td a"));
  const link = (row) => row.querySelector(".field-summary a") || row.querySelector("th a, td a");
  let current = -1;
  function walk(step) {
    const all = rows();
    if (!all.length) {
      return;
    }
    current = Math.min(Math.max(current + step, 0), all.length - 1);
    all.forEach((row, index) => row.classList.toggle("workbench-row", index === current));
    link(all[current]).focus();
    all[current].scrollIntoView({ block: "nearest" });
  }
  function choose() {
    const box = current < 0 ? null : rows()[current].querySelector("input.action-select");
    if (box) {
      box.click();
    }
  }

  const typing = (element) =>
    element.isContentEditable || /^(TEXTAREA|SELECT)$/.test(element.tagName) ||
    (element.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(element.type));

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.open || typing(event.target)) {
      return;
    }
    if (event.key === "?") {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    if (!choice.checked) {
      return;
    }
    const list = document.getElementById("result_list");
    if (list && (event.key === "j" || event.key === "k")) {
      walk(event.key === "j" ? 1 : -1);
    } else if (list && event.key === "x") {
      choose();
    } else {
      const target = document.querySelector("[data-key='" + CSS.escape(event.key) + "']");
      if (!target || target.disabled || target.closest("[hidden]")) {
        return;
      }
      event.preventDefault();
      target.click();
    }
  });
  document.querySelectorAll("[data-key='?']").forEach((button) => button.addEventListener("click", () => dialog.showModal()));
})();
