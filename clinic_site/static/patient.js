// Comfort for a patient's pages; everything works without it.
"use strict";
(() => {
  const leaveForm = document.querySelector("[data-leave]");
  const page = document.querySelector("form.questions[method=post]");
  const post = (form) => navigator.sendBeacon(form.action, new URLSearchParams(new FormData(form)));

  // A page that the browser kept is asked for anew: it may have been left or sent meanwhile.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // Until the server knows, this cookie shuts the form here: Back may be pressed first. Its 20 minutes are those of a pause.
  const markAsLeft = () => {
    const [name, end] = location.protocol === "https:" ? ["__Host-left", "; Secure"] : ["left", ""];
    document.cookie = `${name}=1; Path=/; Max-Age=1200; SameSite=Lax${end}`;
  };

  // Leaving takes the place of this page in the history, and does not wait for our answer. What was typed is kept.
  const leave = (event) => {
    if (page && page.elements.ticket) post(page);
    if (!post(leaveForm)) return;
    markAsLeft();
    if (event) event.preventDefault();
    document.body.hidden = true;
    document.title = "Weather";
    location.replace("https://www.weather.gov/");
  };
  if (leaveForm) {
    leaveForm.addEventListener("submit", leave);
    let escaped = -Infinity;
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.repeat) return;
      if (event.timeStamp - escaped < 1000) leave();
      escaped = event.timeStamp;
    });
  }

  // The token of a mailed link stands behind the #, which no server sees. It moves into the form and out of the history.
  const open = document.querySelector("[data-open]");
  const read = () => {
    if (!/^#[\w-]{40,60}$/.test(location.hash)) return;
    open.elements.token.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    open.querySelector("[data-open-code]").hidden = true;
    open.querySelector("[data-open-ready]").hidden = false;
  };
  if (open) {
    read();
    addEventListener("hashchange", read);
  }

  // A page that is not used is closed, as the server does. By the clock, because a phone that sleeps stops its timers.
  const notice = document.querySelector("[data-idle]");
  if (!notice) return;
  const WARN = 18 * 60_000, CLOSE = 20 * 60_000;
  let shown = Date.now(), closing = false;
  const tick = () => {
    const away = Date.now() - shown;
    notice.hidden = away < WARN;
    if (away < CLOSE || closing) return;
    closing = true;
    // Sent late, a page is kept, and the answer to it shows nothing of the form.
    if (page && page.elements.ticket) page.submit();
    else location.replace(notice.dataset.idle);
  };
  notice.querySelector("button").addEventListener("click", async () => {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer && answer.ok) shown = Date.now();
    tick();
  });
  setInterval(tick, 10_000);
  document.addEventListener("visibilitychange", tick);
})();
