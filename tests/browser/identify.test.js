// Online bookings whose patient is to be identified: attached, undone, attached to another record, made into a new record, all by
// keyboard, and without a script.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { press, tabTo } from "./src/keyboard.js";
import { bookOnline } from "./src/patient.js";
import { send, stage } from "./src/stage.js";

const on = stage();
const odile = { first_name: "Odile", last_name: "Duplessi", birth_date: "1971-05-06", sex: "female", cell_phone: "418 555-0991" };
let records;

/** Odile books; answers the appointment's id among those that wait. */
async function waiting(person = odile) {
  const { reference, position } = await bookOnline(on.server, { person, place: 20 });
  const { body } = await on.admin.get(`/reconciliation?limit=100&after=${encodeURIComponent(position)}`);
  return body.waiting.find(({ appointment }) => appointment.reference === reference).appointment.id;
}
const appointment = async (id) => (await on.admin.get(`/appointments/${id}`)).body;
const attach = (record) => `form:has(input[value="${record}"]) button.attach`;

/** The whole story; `go` presses a button or link as the one who tells it does. */
async function story(page, go) {
  const id = await waiting();
  await page.goto(`/staff/identify/${id}`);
  const text = await page.innerText("main");
  assert.match(text, /Duplessi\b/);
  assert.ok((await page.locator(".differs .badge").count()) >= 2, "what differs is said in words");
  await go(attach(records[0]));
  assert.equal((await appointment(id)).patient, records[0]);
  await go("#undo");
  assert.equal((await appointment(id)).to_identify, true);
  assert.equal((await appointment(id)).patient, null);
  // Not this one, then the other.
  await page.goto(`/staff/identify/${id}`);
  await go(`a.reject[href*="${records[0]}"]`);
  assert.equal(await page.locator(attach(records[0])).count(), 0, "a record that was put aside is not proposed");
  await go(attach(records[1]));
  assert.equal((await appointment(id)).patient, records[1]);

  const stranger = { ...odile, first_name: "Inconnue", last_name: "Tout-à-fait", birth_date: "1950-01-02", cell_phone: `418 555-0${200 + Math.floor(Math.random() * 700)}` };
  const other = await waiting(stranger);
  await page.goto(`/staff/identify/${other}`);
  await go("button.register");
  const made = await appointment(other);
  assert.equal(made.to_identify, false);
  assert.ok(made.patient && !records.includes(made.patient));
  // What was typed with the booking stays readable on it.
  await page.goto(`/staff/appointments/${id}`);
  assert.match(await page.innerText("main"), /Duplessi\b/);
}

describe("a booking whose patient is to be identified", () => {
  before(async () => {
    const { first_name, birth_date, sex, cell_phone } = odile;
    const record = async (last_name) =>
      (await on.admin.post("/patients", { details: { first_name, last_name, birth_date, sex, phones: [cell_phone] } })).body.id;
    records = [await record("Duplessis"), await record("Duplessy")];
  });

  it("is attached, undone, attached to another record, and made into a new one, by keyboard alone", async () => {
    await on.as({ role: "scheduler" }, (v, page) => story(page, (selector) => press(page, selector)));
  });

  it("and without a script", async () => {
    await on.as({ role: "scheduler", script: false }, (v, page) => story(page, (selector) => send(page, selector)));
  });

  it("is reached in the queue by j and k, and attached by Enter", async () => {
    const id = await waiting();
    await on.as({ role: "scheduler" }, async (v, page) => {
      await page.goto("/staff/identify");
      const at = () => page.evaluate(() => document.activeElement.id);
      await page.keyboard.press("j");
      const first = await at();
      assert.match(first, /^case-/);
      await page.keyboard.press("j");
      await page.keyboard.press("k");
      assert.equal(await at(), first);
      for (let i = 0; i < 20 && (await at()) !== `case-${id}`; i += 1) await page.keyboard.press("j");
      assert.equal(await at(), `case-${id}`);
      // Enter goes to the nearest record's button, a second Enter attaches it.
      await page.keyboard.press("Enter");
      assert.ok(await page.evaluate((id) => document.activeElement.matches(`#case-${id} button.attach`), id));
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      assert.ok(records.includes((await appointment(id)).patient));
      await tabTo(page, "#undo");
    });
  });
});
