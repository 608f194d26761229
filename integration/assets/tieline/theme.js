/* The theme opens the groups of the sidebar by a click alone; here by keys as well. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const head of document.querySelectorAll("#nav-sidebar-apps h2.cursor-pointer")) {
    head.tabIndex = 0;
    head.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        head.click();
      }
    });
  }
});
