/*
 * The rules of a group: put in order by dragging or by buttons. Every move is announced; nothing is saved before the
 * person says so, and an order that was not saved goes along with the form below it.
 */
"use strict";

(function () {
  const form = document.getElementById("rule-order");
  if (!form) {
    return;
  }
  const list = form.querySelector(".rule-list");
  const save = document.getElementById("save-order");
  const status = document.getElementById("rule-moved");
  const along = document.getElementById("order-of-rules");
  const items = () => Array.from(list.children);
  const order = () => items().map((item) => item.dataset.sequence).join(",");
  const saved = items().map((item) => Number(item.dataset.sequence)).sort((a, b) => a - b).join(",");
  let dragged = null;

  function settle(item) {
    const changed = order() !== saved;
    form.elements.order.value = order();
    if (along) {
      along.value = changed ? order() : "";
    }
    if (save) {
      save.disabled = !changed;
    }
    items().forEach((each, at) => {
      const [up, down] = each.querySelectorAll("[data-move]");
      if (up) {
        up.disabled = at === 0;
        down.disabled = at === list.children.length - 1;
      }
    });
    if (item) {
      const words = [item.dataset.name, items().indexOf(item) + 1, list.children.length];
      status.textContent = form.dataset.moved.replace(/%s/g, () => words.shift());
    }
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) {
      return;
    }
    const item = button.closest("li");
    if (button.dataset.move === "-1" && item.previousElementSibling) {
      list.insertBefore(item, item.previousElementSibling);
    } else if (button.dataset.move === "1" && item.nextElementSibling) {
      list.insertBefore(item.nextElementSibling, item);
    }
    settle(item);
    (button.disabled ? item.querySelector("[data-move]:not(:disabled)") : button).focus();
  });

  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("li[draggable]");
    if (dragged) {
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", dragged.dataset.name);
      dragged.classList.add("rule-dragged");
    }
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("li");
    if (!dragged || !over) {
      return;
    }
    event.preventDefault();
    if (over !== dragged) {
      const box = over.getBoundingClientRect();
      list.insertBefore(dragged, event.clientY > box.top + box.height / 2 ? over.nextElementSibling : over);
    }
  });
  list.addEventListener("drop", (event) => event.preventDefault());
  list.addEventListener("dragend", () => {
    if (dragged) {
      dragged.classList.remove("rule-dragged");
      settle(dragged);
      dragged = null;
    }
  });
  settle(null);
})();
