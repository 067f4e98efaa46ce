// The four roles: the rooms that each sees, what each finds to do there, and that nothing else is let through.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { desk } from "./src/desk.js";
import { day, stage } from "./src/stage.js";

const on = stage();
const rooms = ["/staff/agenda", "/staff/identify", "/staff/patients", "/staff/admin", "/audit"];
const roles = {
  administrator: { sees: rooms, plans: true, marks: true },
  scheduler: { sees: ["/staff/agenda", "/staff/identify", "/staff/patients"], plans: true, marks: true },
  practitioner: { sees: ["/staff/agenda", "/staff/patients"], plans: false, marks: true },
  auditor: { sees: ["/audit"], plans: false, marks: false },
};
const pages = [
  ["/staff/appointments/new", ["administrator", "scheduler"]],
  ["/staff/schedule", ["administrator", "scheduler"]],
  ["/staff/slots/new", ["administrator", "scheduler"]],
  ["/staff/admin/members", ["administrator"]],
  ["/staff/admin/settings", ["administrator"]],
  ["/staff/admin/tokens", ["administrator"]],
];

describe("the four roles", () => {
  for (const [role, may] of Object.entries(roles)) {
    it(`the ${role} sees ${may.sees.length} rooms and is let into no other`, async () => {
      await on.as({ role }, async (v, page) => {
        await page.goto("/staff");
        const seen = await page.locator("header nav a").evaluateAll((all) => all.map((a) => a.pathname));
        assert.deepEqual(seen, may.sees);
        for (const path of rooms) assert.equal((await page.goto(path)).status() === 200, may.sees.includes(path), path);
        for (const [path, who] of pages) assert.equal((await page.goto(path)).status() === 200, who.includes(role), path);
      });
    });

    it(`the ${role} finds what they may do with an appointment, and a form that is sent all the same changes nothing`, async () => {
      const own = await desk(on.admin, `Dr ${role}`);
      const { id } = await own.plan(day(12), "09:00", "09:20");
      await on.as({ role }, async (v, page) => {
        const answer = await page.goto(`/staff/appointments/${id}`);
        assert.equal(answer.status() === 200, may.marks);
        assert.equal((await page.locator("#move, #cancel").count()) === 2, may.plans);
        assert.equal((await page.locator("#confirm").count()) === 1, may.marks);
        // As if the page had offered it.
        const { revision } = await own.appointment(id);
        await page.goto("/staff");
        const form = { revision, key: randomUUID(), by: "clinic", keep_availability: "yes", keep_record: "yes", reason: "" };
        const sent = await page.evaluate(async ([id, form]) => {
          const options = { method: "POST", body: new URLSearchParams(form) };
          return (await fetch(`/staff/appointments/${id}/cancel`, options)).status;
        }, [id, form]);
        assert.equal((await own.appointment(id)).status, may.plans ? "cancelled" : "booked", `${sent}`);
      });
    });
  }
});
