// What a script adds to the patient's pages. Everything works without it.
"use strict";
(() => {
  // What has to be read first gets the focus.
  document.querySelector("[data-focus]")?.focus();

  // A second click sends nothing: the first is on its way.
  for (const form of document.querySelectorAll("form[data-once]")) {
    let sent = false;
    form.addEventListener("submit", (event) => {
      if (sent) event.preventDefault();
      sent = true;
    });
    // Back brings the page as it was left.
    addEventListener("pageshow", () => { sent = false; });
  }

  // A message's link ends in its token: out of the address bar with it, and posted.
  const link = document.querySelector("#link-form");
  if (link && location.hash.startsWith("#l_")) {
    link.elements.link.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    link.submit();
    return;
  }

  // The device's clock, where it shows another time than the clinic's.
  const zone = document.querySelector("[data-zone]");
  if (zone) {
    const wall = (date, timeZone) =>
      new Intl.DateTimeFormat(document.documentElement.lang + "-CA", { weekday: "short", hour: "numeric", minute: "2-digit", timeZone }).format(date);
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      const here = wall(at, undefined);
      if (here !== wall(at, zone.dataset.zone)) {
        const note = document.createElement("span");
        note.className = "device";
        note.textContent = zone.dataset.device + " " + here;
        time.parentElement.after(note);
      }
    }
  }

  // The end of a hold is said a minute before, politely, and again when it came.
  const hold = document.querySelector("#hold[data-seconds]");
  if (hold) {
    const live = hold.querySelector(".live");
    const seconds = Number(hold.dataset.seconds);
    const say = (text) => {
      live.textContent = text;
      hold.classList.replace("info", "warn");
    };
    setTimeout(() => say(hold.dataset.warning), Math.max(0, seconds - 60) * 1000);
    setTimeout(() => say(hold.dataset.over), seconds * 1000);
  }
})();
