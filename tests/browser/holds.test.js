// Holds: a time is kept for who fills in the rest, warned before the end, extended by one action, and what was typed stays
// when it ends. The server's clock is the real one: the shortest hold is a minute, and these stories wait it out together.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, visitor } from "./src/browser.js";
import { staff } from "./src/clinic.js";
import { booking, people } from "./src/portal.js";
import { demo } from "./src/server.js";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([demo(), launch()]);
  const admin = await staff(server);
  await admin.settings({ hold_minutes: 1 });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const typed = "Une raison que je ne veux pas écrire deux fois";
const ended = (v) => v.page.locator("#hold.warn .live", { hasText: /\S/ });

/** A visitor on the page of the details, with a hold. */
async function holding(options = {}, person = people.stranger, place = 0) {
  const v = await visitor(browser, server, options);
  const steps = booking(v);
  await steps.to("when", person);
  const { availability } = await steps.chooseTime(place);
  await steps.on("details");
  return { v, steps, availability };
}

const until = async (v) => /(\d+)\sh(?:\s(\d+))?/.exec(await v.page.innerText("#hold"))?.[0];

describe("a hold", { concurrency: true }, () => {
  it("is warned of before its end and said to be over at its end, by the page's own clock", async () => {
    const { v, steps } = await holding({}, people.stranger, 6);
    await v.page.clock.install();
    await v.page.reload();
    await steps.on("details");
    await v.page.clock.runFor(1_000);
    assert.match(await ended(v).innerText(), /moins d’une minute/i);
    await v.page.clock.runFor(61_000);
    assert.match(await ended(v).innerText(), /pris fin|terminée?|n’est plus/i);
    await v.close();
  });

  it("is extended by one action, ten times, and not an eleventh", async () => {
    const { v } = await holding({}, people.stranger, 4);
    let times = 0;
    await v.page.fill("#reason_text", typed);
    while ((await v.page.locator("#extend").count()) > 0) {
      await Promise.all([v.page.waitForNavigation(), v.page.locator("#extend").click()]);
      times += 1;
      assert.equal(await v.page.inputValue("#reason_text"), typed, "what was typed is kept");
      assert.ok(times <= 10, "there is an end");
    }
    assert.equal(times, 10);
    await v.close();
  });

  for (const script of [true, false]) {
    it(`has ended, nobody took the time: what was typed is kept, and it is booked (${script ? "with" : "without"} a script)`, async () => {
      const { v, steps } = await holding({ script }, people.stranger, script ? 0 : 2);
      await v.page.fill("#reason_text", typed);
      const at = await until(v);
      assert.ok(at, "the page says until when");
      await over();
      if ((await v.page.locator("input[name=reason]").count()) > 0) await v.page.locator("input[name=reason]").first().check();
      await steps.next();
      await steps.on("check");
      assert.ok((await v.page.innerText("main")).includes(typed));
      await steps.confirm();
      assert.match(await steps.reference(), /^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
      await v.close();
    });
  }

  it("has ended and somebody else took the time: it is said, what was typed stays, another time is as good", async () => {
    const { v, steps, availability } = await holding({}, people.stranger, 8);
    await steps.giveReason(typed);
    await steps.on("check");
    await over();
    const other = await visitor(browser, server);
    const quick = booking(other);
    await quick.to("when", people.gerard);
    await other.page.locator(`input[value="${availability}"]`).first().check();
    await quick.next();
    await quick.giveReason();
    await quick.confirm();
    await v.page.locator("button.main[value=book]").click();
    await steps.on("when");
    const alert = v.page.locator("#notice[role=alert]");
    assert.match(await alert.innerText(), /\S/);
    assert.equal(await v.page.evaluate(() => document.activeElement.id), "notice");
    await v.page.locator("#nearest input").first().check();
    await steps.next();
    await steps.on("details");
    assert.equal(await v.page.inputValue("#reason_text"), typed);
    await other.close();
    await v.close();
  });
});

/** Until the hold of a minute is over, by the real clock. */
const over = () => new Promise((resolve) => setTimeout(resolve, 61_000));
