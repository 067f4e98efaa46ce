// The administration with a script: copy buttons, and the preview of a service that follows what one types.
// Everything here works without it too: texts can be selected, and a button shows the preview.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard.writeText(field.value);
    const said = document.getElementById("said");
    if (said) said.textContent = button.textContent + " ✓";
  });
}

const form = document.querySelector("form[data-preview]");
if (form) {
  let waiting = 0;
  let running = null;

  // The answer is the same page: the browser parses it as a document, so that no text of ours becomes markup here.
  const refresh = () => {
    if (running) running.abort();
    const request = new XMLHttpRequest();
    running = request;
    request.open("POST", form.dataset.preview);
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.setRequestHeader("X-Part", "preview");
    request.responseType = "document";
    request.timeout = 10000;
    const done = () => { if (running === request) running = null; };
    request.onload = () => {
      done();
      const fresh = request.response && request.response.getElementById("preview-text");
      const shown = document.getElementById("preview-text");
      if (request.status === 200 && fresh && shown) {
        const nodes = [...fresh.childNodes].map((node) => document.importNode(node, true));
        if (fresh.textContent !== shown.textContent) shown.replaceChildren(...nodes);
      }
      document.getElementById("preview").classList.remove("waiting");
    };
    request.onerror = request.ontimeout = done;
    request.send(new URLSearchParams(new FormData(form)).toString());
  };
  const soon = () => {
    document.getElementById("preview").classList.add("waiting");
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 250);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
}
