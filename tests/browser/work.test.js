// A clinic under load asks for work before it gives a time: the visitor's device does it beside the typing, a form that is sent
// before waits for it, and without a script the page names the other ways on.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { violations } from "./src/axe.js";
import { bookOnline } from "./src/patient.js";
import { booking, people } from "./src/portal.js";
import { send, stage } from "./src/stage.js";

const on = stage();
const reference = /^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$/;

/** Books until the clinic asks for work. */
async function busy() {
  for (let i = 0; i < 100; i += 1) {
    try {
      await bookOnline(on.server, { place: 30 });
    } catch (refused) {
      if (/work_required/.test(refused.message)) return;
      throw refused;
    }
  }
  throw new Error("a hundred bookings were nothing unusual");
}

/** The fields of the forms that a page sends, as they come. */
function sent(page) {
  const forms = [];
  page.on("request", (request) => {
    if (request.method() === "POST") forms.push(new URLSearchParams(request.postData() ?? ""));
  });
  return forms;
}

describe("a time that is asked for", () => {
  it("when the page was made in quiet times: the next page does the work and sends the form again", async () => {
    await on.as({ language: "fr" }, async (v, page) => {
      const steps = booking(v);
      await steps.to("when", people.gerard);
      assert.equal(await page.locator("form[data-work]").count(), 0, "nothing is asked for in quiet times");
      await busy();
      await page.locator("input[name=availability]").first().check();
      await steps.next();
      assert.equal(await page.locator("form[data-work] input[name=work]").count(), 1);
      assert.deepEqual(await violations(page), []);
      const forms = sent(page);
      await send(page, "button.main");
      await steps.on("details");
      assert.match(forms.at(-1).get("work"), /^[\w-]+(\.\d+){8}$/, "the solution was sent");
      await steps.giveReason();
      await steps.confirm();
      assert.match(await steps.reference(), reference);
    });
  });

  describe("under load", () => {
    before(busy);

    it("the device works beside the choosing, and the time is held", async () => {
      await on.as({}, async (v, page) => {
        const steps = booking(v);
        await steps.to("when", people.gerard);
        const forms = sent(page);
        await page.locator("input[name=availability]").first().check();
        await page.waitForFunction(() => document.querySelector("input[name=work]").value !== "");
        await steps.next();
        await steps.on("details");
        assert.match(forms.at(-1).get("work"), /^[\w-]+(\.\d+){8}$/);
      });
    });

    it("a form that is sent before the work is done waits for it and says so", async () => {
      await on.as({}, async (v, page) => {
        await page.addInitScript(() => {
          const digest = crypto.subtle.digest.bind(crypto.subtle);
          const begin = new Promise((resolve) => {
            globalThis.work = resolve;
          });
          crypto.subtle.digest = async (...message) => {
            await begin;
            return digest(...message);
          };
        });
        const steps = booking(v);
        await steps.to("when", people.gerard);
        await page.locator("input[name=availability]").first().check();
        const choose = page.locator("main button.main[name=do]").first();
        await choose.click();
        await choose.click();
        const status = page.locator("[data-work-status]");
        await status.waitFor();
        assert.match(await status.innerText(), /\S/);
        const forms = sent(page);
        await Promise.all([page.waitForNavigation(), page.evaluate(() => globalThis.work())]);
        await steps.on("details");
        assert.equal(forms.length, 1, "sent once");
      });
    });

    it("without a script the page says what else can be done, and nothing is held", async () => {
      await on.as({ script: false }, async (v, page) => {
        const steps = booking(v);
        await steps.to("when", people.gerard);
        const position = await on.admin.position();
        await page.locator("input[name=availability]").first().check();
        await steps.next();
        assert.equal(await page.locator("form[data-work]").count(), 1);
        assert.match(await page.innerText("main"), /418 555-0142/);
        assert.equal(await on.admin.position(), position);
      });
    });
  });
});
