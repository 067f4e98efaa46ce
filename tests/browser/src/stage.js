// What most files of tests stand on: a demo clinic, a browser and the administrator's hand, started before the first test and
// stopped after the last; and stories of visitors, in whose pages nothing may go wrong.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { launch, visitor } from "./browser.js";
import { staff } from "./clinic.js";
import { signIn } from "./desk.js";
import { demo } from "./server.js";

/** The stage of a file; `server`, `browser` and `admin` stand on it while its tests run. */
export function stage() {
  const on = {
    /** Runs a visitor's story; `role` signs in first, the rest are options of a visitor. */
    async as({ role, ...options }, story) {
      const v = await visitor(on.browser, on.server, { language: "en", ...options });
      try {
        if (role) await signIn(v, role);
        const result = await story(v, v.page);
        assert.deepEqual(v.seen, { dialogs: [], errors: [], policy: [] });
        return result;
      } finally {
        await v.close();
      }
    },
  };
  before(async () => {
    [on.server, on.browser] = await Promise.all([demo(), launch()]);
    on.admin = await staff(on.server);
  });
  after(async () => {
    await on.browser?.close();
    await on.server?.stop();
  });
  return on;
}

/** Presses a button or link and waits for the page that comes. */
export const send = (page, selector) => Promise.all([page.waitForNavigation(), page.locator(selector).first().click()]);

/** Fills a form: text by id or name, a choice of a list by its value; `true` ticks. */
export async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`[id="${name}"], [name="${name}"]`).first();
    if (value === true) await field.check();
    else if (await field.evaluate((element) => element.tagName === "SELECT")) await field.selectOption(value);
    else await field.fill(value);
  }
}

/** The date so many days from now, as forms take it. */
export const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
