// Django's admin scripts (jQuery) write markup as text, which the policy of our pages forbids (require-trusted-types-for).
// This is the only policy that the browser accepts in admin. It lets such markup through unless it could run or load
// something; text as a script, or as a script's address, it never makes.
"use strict";
if (window.trustedTypes) {
  const runs = /<\s*\/?\s*(script|iframe|frame|object|embed|applet|base|link|meta|style|svg|math|img|video|audio|form\s+action)\b|\son\w+\s*=|srcdoc|javascript\s*:|data\s*:/i;
  window.trustedTypes.createPolicy("default", { createHTML: (text) => (runs.test(text) ? null : text) });
}
