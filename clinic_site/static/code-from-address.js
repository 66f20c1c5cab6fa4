// A mailed code stands after the # of its address, where no server sees it. It goes into the form, and out of the
// address and the history.
"use strict";
(() => {
  const field = document.querySelector("[data-from-address]");
  const code = decodeURIComponent(location.hash.slice(1));
  if (!field || !code) return;
  if (!field.value) field.value = code;
  history.replaceState(null, "", location.pathname);
})();
