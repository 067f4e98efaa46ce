// Works out what a clinic under load asks for before it gives another time (docs/security.md, "Work").
//
// A form says what is asked for in its data-work attribute, as the API gives it:
//   {"required":true,"challenge":"…","parts":8,"message":32768,"below":123,"expires_at":"…"}
// The work begins at once, beside whatever the visitor is typing; the solution goes into the form's field "work". A form
// that is sent before waits for it, and says so in its element with data-work-status. Without script, or where the
// browser has no crypto.subtle, nothing happens: the one-time code stands for the work.
(function (root) {
  "use strict";

  // Messages that are hashed at the same time: the browser spreads them over its own threads, off the page's.
  const LANES = 8;

  // A solution of the work, or null if `stop.now` ended it early.
  async function solve(work, subtle, stop) {
    const head = new TextEncoder().encode(work.challenge);
    const found = [];
    let next = 0;
    async function lane() {
      const message = new Uint8Array(work.message);
      message.set(head, 4);
      const view = new DataView(message.buffer);
      while (found.length < work.parts && !(stop && stop.now) && next <= 0xffffffff) {
        const nonce = next++;
        view.setUint32(0, nonce);
        const bits = new DataView(await subtle.digest("SHA-256", message));
        // The first six bytes as a number: below 2^48, which a double holds exactly.
        if (bits.getUint32(0) * 65536 + bits.getUint16(4) < work.below) found.push(nonce);
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane));
    if (found.length < work.parts) return null;
    return [work.challenge].concat(found.slice(0, work.parts)).join(".");
  }

  function attach(form, subtle) {
    const work = JSON.parse(form.getAttribute("data-work"));
    if (!work.required) return;
    const field = form.querySelector('input[name="work"]');
    const status = form.querySelector("[data-work-status]");
    const stop = { now: false };
    let waiting = null;
    const solved = solve(work, subtle, stop).then(function (solution) {
      if (solution && field) field.value = solution;
      if (status) status.hidden = true;
      return solution;
    });
    form.addEventListener("submit", function (event) {
      if (field && field.value) return;
      event.preventDefault();
      if (waiting) return;
      waiting = event.submitter || form;
      if (status) status.hidden = false;
      solved.then(function () {
        // Sent without a solution the server answers with the other way on.
        if (field && field.value) form.requestSubmit(waiting === form ? null : waiting);
        else form.submit();
      });
    });
    root.addEventListener("pagehide", function () { stop.now = true; });
  }

  if (typeof module === "object" && module.exports) module.exports = { solve: solve };
  if (!root.document || !root.crypto || !root.crypto.subtle) return;
  root.document.querySelectorAll("form[data-work]").forEach(function (form) { attach(form, root.crypto.subtle); });
})(typeof window === "object" ? window : globalThis);
