// Moves the code of a mailed link from behind the # into its box, and out of the address and the history.
"use strict";

const box = document.querySelector("[data-from-link]");
if (box && location.hash.length > 1) {
  box.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}
