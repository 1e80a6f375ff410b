// Offers a format that is for some tables alone as soon as one of them is chosen; without a script the next page does.
"use strict";
(() => {
  const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`);
  const offer = () => {
    const table = chosen("table")?.value ?? "";
    for (const format of document.querySelectorAll("input[data-only]")) {
      format.disabled = !format.dataset.only.split(" ").includes(table);
      if (format.disabled && format.checked) document.querySelector('input[name="format"]').checked = true;
    }
  };
  for (const table of document.querySelectorAll('input[name="table"]')) table.addEventListener("change", offer);
  // A browser that comes back to the page keeps what was chosen.
  window.addEventListener("pageshow", offer);
})();
