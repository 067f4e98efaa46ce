// A clinic from an empty database to its first online booking, through the pages alone, with a script and without.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, visitor } from "./src/browser.js";
import { booking, people } from "./src/portal.js";
import { empty } from "./src/server.js";
import { day, fill, send } from "./src/stage.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Opens the invitation of the first administrator, who then stands in the staff's pages. */
async function enter(page, token, script) {
  await page.goto(script ? `/staff/invitation#${token}` : "/staff/invitation");
  if (!script) await page.fill("#token", token);
  await page.fill("#password", "a long enough password");
  await send(page, "button.main");
}

/** What the checklist asks for, in its order. */
async function setUp(page) {
  await page.goto("/staff/admin/portal");
  await fill(page, { slug: "neuve", phone: "514 555-0100", terms_fr: "D'accord", terms_en: "Agreed" });
  await send(page, "#form button.main");
  await page.goto("/staff/admin/activities/new");
  await fill(page, { name: "Consultation interne", duration: "20" });
  await send(page, "#form button.main");
  await page.goto("/staff/admin/practitioners/new");
  await fill(page, { name: "Dre Neuve", agenda: true });
  await send(page, "#form button.main");
  await page.goto("/staff/admin/services/new");
  await fill(page, { internal_name: "Interne", name_fr: "Première visite", name_en: "First visit" });
  await page.locator("input[name=activity]").first().check();
  await page.locator("#reason_required").uncheck();
  await send(page, "#save");
  await page.goto("/staff/slots/new");
  await page.locator("#agenda").selectOption({ index: 0 });
  await fill(page, { date: day(3), start: "09:00", end: "11:00" });
  await page.locator("#activity").selectOption({ index: 1 });
  await send(page, "#open");
  await page.goto("/staff/admin/portal");
  await send(page, "#switch-on");
}

for (const script of [true, false]) {
  describe(`a clinic from nothing, ${script ? "with" : "without"} a script`, () => {
    it("reaches its first online booking through the pages alone", async () => {
      const fresh = await empty("Clinique Neuve", "first@neuve.example");
      const v = await visitor(browser, fresh, { language: "en", script });
      try {
        await enter(v.page, fresh.created.invitation, script);
        await v.page.goto("/staff/admin");
        assert.ok((await v.page.locator(".step:not(.done)").count()) >= 4, "nothing is done yet");
        await setUp(v.page);
        await v.page.goto("/staff/admin");
        assert.equal(await v.page.locator(".step:not(.done)").count(), 0, "every step is done");
        const patient = await visitor(browser, { ...fresh, slug: "neuve" }, { language: "en", script });
        const reference = await booking(patient).all(people.stranger, "First visit");
        await patient.close();
        assert.match(reference, /^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
        // The clinic sees who comes.
        await v.page.goto(`/staff/agenda?date=${day(3)}&view=list`);
        assert.match(await v.page.innerText("main"), /Sansregret/);
        assert.deepEqual(v.seen, { dialogs: [], errors: [], policy: [] });
      } finally {
        await v.close();
        await fresh.stop();
      }
    });
  });
}
