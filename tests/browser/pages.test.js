// Every state of every page: axe in two languages, two widths, light and dark; headers; reflow at 320 px and with text of
// twice the size; weight; no error, no dialog and no policy report.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { violations } from "./src/axe.js";
import { launch, visitor, weigh } from "./src/browser.js";
import { documentFaults, headerFaults, reflowFaults, targetFaults } from "./src/checks.js";
import { staff } from "./src/clinic.js";
import { signIn } from "./src/desk.js";
import { demo } from "./src/server.js";
import { states } from "./src/states.js";

const KB = 1000;
const all = process.env.TORTURE === "1";
const looks = [
  { width: 320, colorScheme: "light" },
  { width: 1280, colorScheme: "dark" },
  { width: 320, colorScheme: "dark" },
  { width: 1280, colorScheme: "light" },
];
const languages = ["fr", "en"];

/** What a state is looked at in: the great numbers take every look in both languages, the small ones one in turn. */
function turns(number) {
  if (all) return languages.map((language) => ({ language, looks }));
  return [{ language: languages[Math.floor(number / looks.length) % 2], looks: [looks[number % looks.length]] }];
}

describe("every page in every state", () => {
  let server;
  let browser;
  let clinic;
  before(async () => {
    [server, browser] = await Promise.all([demo(), launch()]);
    clinic = await staff(server);
    server.desk = clinic;
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const [number, state] of states.entries()) {
    for (const { language, looks } of turns(number)) {
      it(`${state.name}, ${language}`, async (t) => {
        const restore = await state.set?.(clinic);
        const v = await visitor(browser, server, { language, ...state.context });
        try {
          if (state.as) await signIn(v, state.as);
          t.diagnostic(`${await look(v, state, looks)} bytes`);
        } finally {
          await v.close();
          await restore?.();
        }
      });
    }
  }

  async function look(v, state, looks) {
    const { page, language } = v;
    const { total, list, answer } = await weigh(page, () => state.open(v));
    const faults = [];
    const add = (where, found) => faults.push(...found.map((fault) => `${where}: ${fault}`));
    const expected = state.status ?? 200;
    if (!state.anyStatus && answer.status() !== expected) faults.push(`${answer.url()} answers ${answer.status()}`);
    add("headers", headerFaults(answer, state.framed));
    if (total === 0 || total > (state.first ? 30 : 100) * KB) {
      faults.push(`weighs ${total} bytes: ${list.map(({ url, bytes }) => `${url} ${bytes}`).join(", ")}`);
    }
    add("document", await documentFaults(page, language));
    for (const { width, colorScheme } of looks) {
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
    return total;
  }
});
