// The one-time code on the pages and the messages as their reader meets them: a code that comes back opens what is for the
// clinic's patients and stands for the work; the links and the calendar file of a notice.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { call } from "./src/clinic.js";
import { pick, press, tabTo, type } from "./src/keyboard.js";
import { bookOnline } from "./src/patient.js";
import { booking, people, services } from "./src/portal.js";
import { send, stage } from "./src/stage.js";

const on = stage();
const reference = /^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$/;

/** The newest message to somebody, as the demo shows it; it goes out a moment after it was asked for. */
async function newest(to, fits = () => true) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { messages } = (await call(on.server, "GET", "/demo/messages", undefined, { accept: "application/json" })).body;
    const found = messages.find((message) => message.to.includes(to) && fits(message));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing came to ${to}`);
}
const codeTo = async (to) => /\b\d{6}\b/.exec((await newest(to, ({ text }) => /\b\d{6}\b/.test(text))).text)[0];

/** Runs a story at a clinic that asks for codes. */
async function asking(story) {
  const { recognition_proof } = await on.admin.settings({ recognition_proof: "one_time_code" });
  try {
    await story();
  } finally {
    await on.admin.settings({ recognition_proof });
  }
}

/** Has a code sent to the e-mail address and returns it. */
async function prove(page, email) {
  await page.locator("label.choice", { hasText: email }).locator("input").check();
  await send(page, "button[value=send]");
  await page.fill("#code", await codeTo(email));
  await send(page, "button[value=prove]");
}

describe("the code", () => {
  for (const script of [true, false]) {
    it(`opens what is for the clinic's patients (${script ? "with" : "without"} a script)`, async () => {
      await asking(() =>
        on.as({ script, language: "fr" }, async (v, page) => {
          const steps = booking(v);
          // One each: whoever has such an appointment ahead may not book a second.
          const person = script ? people.amelie : people.fatima;
          await steps.identify(person);
          await prove(page, person.email);
          await steps.on("service");
          await steps.chooseService(services.fr.own);
          await steps.chooseTime();
          await steps.giveReason();
          await steps.confirm();
          assert.match(await steps.reference(), reference);
        }),
      );
    });
  }

  it("is asked for and sent alike to whom the clinic does not know, and opens nothing", async () => {
    const near = { ...people.amelie, birth_date: "1988-04-13", health_number: undefined, email: "near.miss@example.org", cell_phone: undefined };
    await asking(() =>
      on.as({ language: "fr" }, async (v, page) => {
        await booking(v).identify(near);
        await prove(page, near.email);
        await booking(v).on("service");
        const offered = await page.locator("label.choice strong").allInnerTexts();
        assert.ok(offered.includes(services.fr.open));
        assert.ok(!offered.includes(services.fr.own));
      }),
    );
  });

  it("is typed by keyboard alone, with the focus always to be seen", async () => {
    await asking(() =>
      on.as({ language: "en" }, async (v, page) => {
        await booking(v).identify(people.gerard);
        await pick(page, "input[name=channel][value=email]");
        await press(page, "button[value=send]");
        await type(page, "#code", await codeTo(people.gerard.email));
        await press(page, "button[value=prove]");
        await booking(v).on("service");
        await tabTo(page, "input[name=service]");
      }),
    );
  });

  it("stands for the work under load, without a script", async () => {
    const person = { ...people.stranger, cell_phone: undefined, email: "sans.script@example.org" };
    await on.as({ language: "fr", script: false }, async (v, page) => {
      const steps = booking(v);
      await steps.to("when", person);
      for (let i = 0; i < 100; i += 1) {
        if (await bookOnline(on.server, { place: 30 }).then(() => false, (refused) => /work_required/.test(refused.message))) break;
      }
      await page.locator("input[name=availability]").first().check();
      await steps.next();
      assert.equal(await page.locator("form[data-work]").count(), 1, "the clinic is under load");
      await page.locator("main a[href*='/code'], main form[action*='/code'] button").first().click();
      await page.locator("button[value=send]").waitFor();
      await prove(page, person.email);
      // Back at the times, which ask for nothing more.
      await steps.on("when");
      assert.equal(await page.locator("form[data-work]").count(), 0);
      await steps.chooseTime();
      await steps.giveReason();
      await steps.confirm();
      assert.match(await steps.reference(), reference);
    });
  });
});

describe("a notice", () => {
  it("has links that may be fetched five times by whatever reads mail, and a calendar file for the appointment's hour", async () => {
    const person = { ...people.stranger, cell_phone: undefined, email: "avis@example.org" };
    const files = [];
    const { start } = await on.as({ language: "fr" }, async (v, page) => {
      const steps = booking(v);
      const code = await steps.all(person, undefined, -1);
      const [file] = await Promise.all([page.waitForEvent("download"), page.locator("a[download]").first().click()]);
      files.push(readFileSync(await file.path(), "utf8"));
      const portal = `/api/v1/portal/${on.server.slug}/appointment`;
      const { link_token } = (await call(on.server, "POST", `${portal}/lookup`, { reference: code, birth_date: person.birth_date })).body;
      return (await call(on.server, "GET", portal, undefined, { authorization: `Bearer ${link_token}` })).body;
    });
    const notice = await newest(person.email, ({ text }) => text.includes("#l_"));
    const links = notice.text.match(/https?:\/\/\S+/g);
    assert.ok(links.length >= 2, `${links}`);
    const position = await on.admin.position();
    for (const link of links) {
      const { pathname, search, hash } = new URL(link);
      for (let i = 0; i < 5; i += 1) {
        await fetch(on.server.address + pathname + search);
        await fetch(on.server.address + pathname + search, { method: "HEAD" });
      }
      await on.as({}, (v, page) => page.goto(pathname + search + hash));
    }
    assert.equal(await on.admin.position(), position, "nothing changed");
    if (notice.calendar) files.push(notice.calendar);
    assert.equal(files.length, 2, "the page and the message each have the file");
    const moments = files.map((file) => /DTSTART[^:]*:(\S+)/.exec(file.replace(/\r\n /g, ""))[1]);
    assert.equal(moments[0], moments[1]);
    assert.equal(moments[0].replace("Z", ""), new Date(start).toISOString().replace(/[-:]|\.000Z/g, ""), "the appointment's instant");
  });
});
