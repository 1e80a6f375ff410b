// Keys of the list of flags; everything they do can be done without them. They work only while the focus is in the list.
"use strict";
(() => {
  const list = document.getElementById("flags");
  const help = document.getElementById("keys");
  const form = document.getElementById("bulk");
  const count = document.querySelector("[data-chosen]");
  const done = document.getElementById("done");
  if (done) done.focus();
  if (!list || !help) return;
  help.hidden = false;
  const rows = () => [...list.querySelectorAll(".flag-row")];
  const box = (row) => row.querySelector("input[type=checkbox]");
  const said = count ? count.textContent : "";
  const tell = () => {
    if (!count) return;
    const chosen = list.querySelectorAll("input:checked").length;
    count.textContent = chosen ? count.dataset.chosen.replace("#", chosen) : said;
  };
  list.addEventListener("change", tell);
  tell();
  const deeds = { a: "taken", g: "given", s: "snoozed", n: "note" };
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    const every = rows();
    const at = every.indexOf(document.activeElement.closest(".flag-row"));
    if (at < 0) return;
    const go = every[key === "j" ? at + 1 : at - 1];
    if (key === "j" || key === "k") {
      if (go) go.querySelector("a.name").focus();
    } else if (key === "o") {
      every[at].querySelector("a.name").click();
    } else if (key === "x" && box(every[at])) {
      box(every[at]).checked = !box(every[at]).checked;
      tell();
    } else if (deeds[key] && form && (box(every[at]) || list.querySelector("input:checked"))) {
      if (!list.querySelector("input:checked")) box(every[at]).checked = true;
      form.requestSubmit(form.querySelector(`button[value=${deeds[key]}]`));
    } else if (event.key === "?") {
      help.open = !help.open;
    } else {
      return;
    }
    event.preventDefault();
  });
})();
