/*
 * Cells that were copied from a spreadsheet go into the grid from the cell on, row by row; rows are added as needed.
 */
"use strict";

(function () {
  const body = document.querySelector("#factor-grid tbody");
  if (!body) {
    return;
  }
  body.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (!/[\t\n]/.test(text)) {
      return;
    }
    event.preventDefault();
    const inputs = (row) => Array.from(row.querySelectorAll("input"));
    let row = event.target.closest("tr");
    const column = inputs(row).indexOf(event.target);
    text.replace(/\r?\n$/, "").split(/\r?\n/).forEach((line) => {
      if (!row) {
        row = body.lastElementChild.cloneNode(true);
        inputs(row).forEach((input) => {
          input.value = "";
          input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+$/, body.children.length + 1));
        });
        body.appendChild(row);
      }
      line.split("\t").forEach((cell, at) => {
        const input = inputs(row)[column + at];
        if (input) {
          input.value = cell.trim();
        }
      });
      row = row.nextElementSibling;
    });
  });
})();
