// Comfort for the case page; everything works without it. Keys can be switched off (WCAG 2.1.4).
"use strict";
(() => {
  const flags = [...document.querySelectorAll("[data-flag]")];
  const jump = document.querySelector("[data-jump]");
  if (!jump || !flags.length) return;

  // A flag and the answers behind it are marked together.
  const partners = (element) =>
    [...element.querySelectorAll('a[href^="#answer-"], a[href^="#flag-"]')].map((link) => document.getElementById(link.hash.slice(1)));
  const mark = (event) => {
    const element = event.target.closest("[data-flag], .said");
    document.querySelectorAll(".marked").forEach((marked) => marked.classList.remove("marked"));
    if (element) partners(element).forEach((partner) => partner && partner.classList.add("marked"));
  };
  document.addEventListener("pointerover", mark);
  document.addEventListener("focusin", mark);

  let on = true;
  try { on = localStorage.getItem("keys") !== "off"; } catch { /* Storage is closed: the keys stay on. */ }
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "keys";
  const label = () => {
    toggle.textContent = on ? "Keys on: j next flag, k flag before, o open" : "Keys off";
    toggle.setAttribute("aria-pressed", String(on));
  };
  toggle.addEventListener("click", () => {
    on = !on;
    try { localStorage.setItem("keys", on ? "on" : "off"); } catch { /* Then it lasts until the page is left. */ }
    label();
  });
  label();
  jump.append(toggle);

  document.addEventListener("keydown", (event) => {
    if (!on || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, button")) return;
    const at = flags.indexOf(document.activeElement && document.activeElement.closest("[data-flag]"));
    if (event.key === "j" || event.key === "k") {
      const next = event.key === "j" ? at + 1 : at - 1;
      flags[Math.min(Math.max(next, 0), flags.length - 1)].focus();
      event.preventDefault();
    } else if (event.key === "o" && at >= 0) {
      const form = flags[at].querySelector("details");
      if (form) {
        form.open = true;
        form.querySelector("select, textarea").focus();
        event.preventDefault();
      }
    }
  });
})();
