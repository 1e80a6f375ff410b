// Shows what is typed as a password while its button is pressed; without a script there is no button.
"use strict";
(() => {
  for (const button of document.querySelectorAll("button[data-shows]")) {
    const field = document.getElementById(button.dataset.shows);
    if (!field) continue;
    const show = (is) => {
      field.type = is ? "text" : "password";
      button.setAttribute("aria-pressed", String(is));
    };
    show(false);
    button.hidden = false;
    // The caret stays where it is: whoever types goes on typing.
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => show(field.type === "password"));
    // A browser keeps what was shown as it keeps other texts: it goes hidden.
    field.form.addEventListener("submit", () => show(false));
  }
})();
