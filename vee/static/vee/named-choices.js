/*
 * Gives the searchable choices of a form, which the theme draws without a name while nothing is chosen, the name of
 * their label.
 */
"use strict";

(function () {
  function name(within) {
    within.querySelectorAll(".select2-selection[role=combobox], .select2-selection__rendered[role=textbox]").forEach((drawn) => {
      const select = drawn.closest(".select2-container").previousElementSibling;
      const label = select && select.id && document.querySelector("label[for='" + select.id + "']");
      if (label) {
        drawn.setAttribute("aria-label", label.textContent.trim());
      }
    });
  }
  // The theme draws them when it gets to it: before or after the page has loaded, and again for each row that is added.
  new MutationObserver(() => name(document)).observe(document.documentElement, { childList: true, subtree: true });
  name(document);
})();
