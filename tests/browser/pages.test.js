// Every state of every page, in both languages: axe in two widths, light and dark; headers; reflow at 320 px and with text
// of twice the size; weight; no error, no dialog and no policy report.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { violations } from "./src/axe.js";
import { launch, visitor, weigh } from "./src/browser.js";
import { documentFaults, headerFaults, reflowFaults, targetFaults } from "./src/checks.js";
import { demo } from "./src/server.js";
import { states } from "./src/states.js";

const KB = 1000;
// The great numbers take all eight; the small ones half of them, so that every pair of width and scheme is seen.
const looks = [
  { width: 320, colorScheme: "light", languages: ["fr"] },
  { width: 1280, colorScheme: "dark", languages: ["fr"] },
  { width: 320, colorScheme: "dark", languages: ["en"] },
  { width: 1280, colorScheme: "light", languages: ["en"] },
];
const all = process.env.TORTURE === "1";

describe("every page in every state", () => {
  let server;
  let browser;
  before(async () => {
    [server, browser] = await Promise.all([demo(), launch()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const state of states) {
    for (const language of ["fr", "en"]) {
      it(`${state.name}, ${language}`, async () => {
        const v = await visitor(browser, server, { language });
        try {
          await look(v, state);
        } finally {
          await v.close();
        }
      });
    }
  }

  async function look(v, state) {
    const { page, language } = v;
    let response;
    const weight = await weigh(page, async () => {
      response = (await state.open(v)) ?? response;
    });
    const faults = [];
    const add = (where, list) => faults.push(...list.map((fault) => `${where}: ${fault}`));
    if (response) {
      assert.equal(response.status(), state.status ?? 200, `${response.url()} answers`);
      add("headers", headerFaults(response));
    }
    if (response && weight.total > (state.first ? 30 : 100) * KB) {
      faults.push(`weighs ${weight.total} bytes: ${weight.list.map(({ url, bytes }) => `${url} ${bytes}`).join(", ")}`);
    }
    add("document", await documentFaults(page, language));
    for (const { width, colorScheme, languages } of looks) {
      if (!all && !languages.includes(language)) continue;
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      add(`axe, ${width} px, ${colorScheme}`, await violations(page));
      if (width === 320) {
        add("320 px", await reflowFaults(page));
        add("320 px", await targetFaults(page));
      }
    }
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.evaluate(() => {
      document.documentElement.style.fontSize = "212.5%";
    });
    add("text of twice the size", await reflowFaults(page));
    add("seen", [...v.seen.dialogs, ...v.seen.errors, ...v.seen.policy]);
    assert.deepEqual(faults, []);
  }
});
