// What is nicer with scripts on a strategy's pages; all of it works without.
"use strict";

// A form that is on its way is not sent again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Simulations come into the page as it is: the server renders all of it, the panel is taken from there.
async function simulate(form, button) {
  const panel = document.getElementById("simulation");
  panel.setAttribute("aria-busy", "true");
  const sent = new FormData(form);
  sent.set(button.name, button.value);
  try {
    const answer = await fetch(form.getAttribute("action") || location.href, { method: "POST", body: sent });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("simulation");
    if (!fresh) throw new Error("no panel in the answer");
    panel.replaceWith(fresh);
    fresh.querySelector(`button[value="${button.value}"]`)?.focus({ preventScroll: true });
    fresh.querySelector(".outcome").scrollIntoView({ block: "nearest" });
  } catch {
    panel.removeAttribute("aria-busy");
    panel.querySelector(".outcome").textContent = "The service did not answer. Try again, or log in again.";
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("#simulation button[name=do]");
  if (!button) return;
  event.preventDefault();
  simulate(button.form, button);
});

// Enter in the event's fields tries it; a browser would press the form's first button, which saves.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("#simulation input")) return;
  event.preventDefault();
  const wanted = event.target.name === "score" ? "prefill" : "simulate";
  document.querySelector(`#simulation button[value="${wanted}"]`).click();
});
