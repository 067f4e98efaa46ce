// Patients book, or are told why not: recognized, unknown and not eligible; without a script, by keyboard, in a frame; when
// somebody else was faster.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, visitor } from "./src/browser.js";
import { reflowFaults } from "./src/checks.js";
import { staff } from "./src/clinic.js";
import { site } from "./src/foreign.js";
import { pick, press, tabTo, type } from "./src/keyboard.js";
import { booking, people, services } from "./src/portal.js";
import { demo } from "./src/server.js";

let server;
let browser;
let admin;

before(async () => {
  [server, browser] = await Promise.all([demo(), launch()]);
  admin = await staff(server);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Runs a visitor's story; afterwards nothing may have gone wrong in the page. */
async function as(options, story) {
  const v = await visitor(browser, server, options);
  try {
    const result = await story(v, booking(v));
    assert.deepEqual(v.seen, { dialogs: [], errors: [], policy: [] });
    return result;
  } finally {
    await v.close();
  }
}

const reference = /^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$/;

describe("a patient books", () => {
  // Two of them: whoever has two such appointments ahead may not book a third.
  for (const [language, person, physician] of [
    ["fr", people.amelie, /Hélène Gagnon/],
    ["en", people.fatima, /Sarah MacDonald/],
  ]) {
    it(`recognized, with their own physician, in six pages (${language})`, async () => {
      await as({ language }, async (v, steps) => {
        let pages = 0;
        v.page.on("response", (response) => {
          const page = response.request().isNavigationRequest() && response.status() === 200;
          if (page) pages += 1;
        });
        const begun = Date.now();
        assert.match(await steps.all(person, services[language].own), reference);
        assert.ok(pages <= 6, `${pages} pages`);
        assert.ok(Date.now() - begun < 90_000, "well within ninety seconds");
        const text = await v.page.innerText("main");
        assert.match(text, physician);
        assert.match(text, language === "fr" ? /\d\sh(\s\d\d)?/u : /\d:\d\d\s[ap]m/);
        assert.match(text, /418 555-0142|Toronto/, "the clinic's zone or telephone is named");
        // R6: what the clinic calls things inside stays inside.
        for (const internal of ["RDV suivi régulier", "Suivi inscrits", "Examen périodique (long)"]) {
          assert.ok(!(await v.page.content()).includes(internal), internal);
        }
      });
    });
  }

  it("unknown to the clinic, and sees what is open to everybody only", async () => {
    await as({}, async (v, steps) => {
      await steps.identify(people.stranger);
      const offered = await v.page.locator("label.choice strong").allInnerTexts();
      assert.ok(offered.includes(services.fr.open), offered.join(", "));
      assert.ok(!offered.includes(services.fr.own), offered.join(", "));
      await steps.chooseService();
      await steps.chooseTime();
      await steps.giveReason();
      await steps.confirm();
      assert.match(await steps.reference(), reference);
    });
  });

  it("not eligible for anything, and is told by whom to be helped", async () => {
    const restore = await admin.onlyRestrictedServices();
    try {
      await as({}, async (v, steps) => {
        await steps.identify(people.stranger);
        const text = await v.page.innerText("main");
        assert.equal(await v.page.locator("input[name=service]").count(), 0);
        assert.match(text, /418 555-0142/);
      });
    } finally {
      await restore();
    }
  });

  it("without any script", async () => {
    await as({ script: false }, async (v, steps) => {
      await steps.start();
      await v.page.locator("main a.button.main").click();
      await steps.on("who");
      assert.match(await steps.all(people.gerard), reference);
    });
  });

  it("at 320 px, and nothing scrolls sideways on any page", async () => {
    await as({ viewport: { width: 320, height: 640 } }, async (v, steps) => {
      const faults = [];
      v.page.on("load", async (page) => faults.push(...(await reflowFaults(page).catch(() => []))));
      assert.match(await steps.all(people.gerard), reference);
      assert.deepEqual(faults, []);
    });
  });

  it("changes the language on the way and keeps what was chosen", async () => {
    await as({ language: "fr" }, async (v, steps) => {
      await steps.to("details");
      await v.page.locator(".languages a").click();
      await v.page.waitForURL(/\/en\/details/);
      assert.match(await v.page.innerText("main"), /held for you until \d/);
      await steps.giveReason();
      await steps.confirm();
      assert.match(await steps.reference(), reference);
      assert.equal(await v.page.evaluate(() => document.documentElement.lang), "en");
    });
  });

  it("is shown both clocks when the device's zone is another one", async () => {
    await as({ language: "en", timezoneId: "America/Vancouver" }, async (v, steps) => {
      await steps.to("service");
      await steps.chooseService();
      await steps.on("when");
      assert.match(await v.page.innerText(".zone"), /Toronto/);
      assert.match(await v.page.locator(".device").first().innerText(), /\d/);
    });
  });

  it("confirms twice and has one appointment", async () => {
    await as({}, async (v, steps) => {
      const first = await steps.all(people.gerard);
      const position = await admin.position();
      await v.page.goBack();
      await v.page.waitForLoadState();
      if ((await v.page.locator("button.main[value=book]").count()) > 0) await steps.confirm();
      assert.equal(await steps.reference(), first);
      assert.equal(await admin.position(), position, "nothing was booked a second time");
    });
  });
});

describe("by keyboard alone", () => {
  it("from the first page to the booked appointment, with the focus always to be seen", async () => {
    await as({}, async (v, steps) => {
      const { page } = v;
      const begun = Date.now();
      await steps.start();
      // The first stop leads past everything.
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement.classList.contains("skip")));
      await page.keyboard.press("Enter");
      await press(page, "main a.button.main");
      const [year, month, day] = people.amelie.birth_date.split("-").map(Number);
      await type(page, "#first_name", people.amelie.first_name);
      await type(page, "#last_name", people.amelie.last_name);
      await type(page, "#birth_day", String(day));
      await type(page, "#birth_month", String(month));
      await type(page, "#birth_year", String(year));
      await pick(page, "#sex-female");
      await type(page, "#email", people.amelie.email);
      await tabTo(page, "#terms");
      await page.keyboard.press("Space");
      await press(page, "button.main");
      await steps.on("service");
      const open = page.locator("label.choice", { hasText: services.fr.open }).locator("input");
      await pick(page, `#${await open.getAttribute("id")}`);
      await press(page, "button.main");
      await steps.on("when");
      await pick(page, "input[name=availability]");
      await press(page, "button.main");
      await steps.on("details");
      if ((await page.locator("input[name=reason]").count()) > 0) await pick(page, "input[name=reason]");
      await press(page, "button.main");
      await steps.on("check");
      await press(page, "button.main");
      await steps.on("booked");
      assert.match(await steps.reference(), reference);
      assert.ok(Date.now() - begun < 90_000, `${Date.now() - begun} ms`);
    });
  });

  it("what is wrong in a form is said first, and leads to the field", async () => {
    await as({}, async (v) => {
      const { page } = v;
      await page.goto(`${v.portal}/who`);
      await tabTo(page, "button.main");
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      assert.equal(await page.evaluate(() => document.activeElement.id), "errors");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => document.activeElement.id), "first_name");
    });
  });
});

describe("somebody else is faster", () => {
  for (const script of [true, false]) {
    it(`the time goes between the page and the choice: it says so and offers the nearest (${script ? "with" : "without"} a script)`, async () => {
      await as({ script }, async (slow, steps) => {
        await steps.to("when", people.stranger);
        await steps.on("when");
        const wanted = slow.page.locator("input[name=availability]").first();
        const value = await wanted.getAttribute("value");
        await as({}, async (fast, quick) => {
          await quick.to("when", people.stranger);
          await fast.page.locator(`input[value="${value}"]`).first().check();
          await quick.next();
          await quick.giveReason();
          await quick.confirm();
        });
        await wanted.check();
        await steps.next();
        await steps.on("when");
        const alert = slow.page.locator("#notice[role=alert]");
        assert.equal(await alert.getAttribute("data-notice"), "taken");
        if (script) assert.equal(await slow.page.evaluate(() => document.activeElement.id), "notice");
        assert.equal(await slow.page.locator("#nearest input").count(), 2);
        assert.equal(await slow.page.locator(`input[value="${value}"]`).count(), 0, "what is gone is not offered");
        await slow.page.locator("#nearest input").first().check();
        await steps.next();
        await steps.giveReason();
        await steps.confirm();
        assert.match(await steps.reference(), reference);
      });
    });
  }
});

describe("embedded in the clinic's site", () => {
  it("books in a frame without a single cookie", async () => {
    const host = await site();
    const before = await admin.portal({ embedding_origins: [host.origin] });
    try {
      host.pages["/"] = `<!doctype html><title>clinic</title><iframe src="${server.address}/p/${server.slug}/embed/fr" width="600" height="900"></iframe>`;
      await as({}, async (v) => {
        await v.page.goto(host.origin);
        const frame = v.page.frames()[1];
        await frame.waitForLoadState();
        const steps = booking({ ...v, page: frame, portal: `${server.address}/p/${server.slug}/embed/fr` });
        await frame.locator("main .button.main").click();
        await steps.on("who");
        await steps.fill(people.stranger);
        await steps.next();
        await steps.chooseService();
        await steps.chooseTime();
        await steps.giveReason();
        await steps.confirm();
        assert.match(await steps.reference(), reference);
        assert.deepEqual(await v.context.cookies(), [], "no cookie was set");
        const answers = host.requests.filter(({ url }) => url !== "/" && url !== "/favicon.ico");
        assert.deepEqual(answers, [], "the host learns nothing");
      });
    } finally {
      await admin.portal(before);
      await host.close();
    }
  });
});
