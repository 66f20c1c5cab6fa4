// Makes and uses passkeys. The server gives the challenge; the browser's answer goes back in an ordinary form.
"use strict";

document.querySelectorAll("form[data-passkey]").forEach((form) => {
  if (!window.PublicKeyCredential || !window.webauthnJSON) return;
  const button = form.querySelector("button[type=button]");
  const problem = form.querySelector("[role=alert][hidden]");
  form.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      const response = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(String(response.status));
      const options = await response.json();
      const call = form.dataset.passkey === "make" ? webauthnJSON.create : webauthnJSON.get;
      form.elements.credential.value = JSON.stringify(await call(options));
      form.submit();
    } catch {
      problem.hidden = false;
      button.disabled = false;
    }
  });
});
