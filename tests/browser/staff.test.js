// The agenda at work: slots and templates, the clouds and the moment of publication, appointments planned, moved, lengthened and
// cancelled, a card that is out of date. Most is done with a script and without.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cards, desk, fillContact, freeTimes } from "./src/desk.js";
import { press, tabTo } from "./src/keyboard.js";
import { bookOnline } from "./src/patient.js";
import { people } from "./src/portal.js";
import { day, fill, send, stage } from "./src/stage.js";

const on = stage();
const scheduler = (story, more = {}) => on.as({ role: "scheduler", ...more }, story);
const withAndWithout = [
  ["with a script", true],
  ["without a script", false],
];

describe("schedules", () => {
  for (const [how, script] of withAndWithout) {
    it(`publish one slot, then many with a preview that stores nothing, and undo them, ${how}`, async () => {
      const own = await desk(on.admin, `Dr Slots ${how}`);
      await scheduler(async (v, page) => {
        await page.goto("/staff/slots/new");
        await fill(page, { agenda: own.agenda.id, date: day(4), start: "09:00", end: "10:00", activity: own.activity.id });
        await send(page, "#open");
        await page.goto(own.page(day(4)));
        assert.equal(await page.locator(".slip").count(), 3, "three times of twenty minutes");

        await page.goto("/staff/schedule");
        await page.locator(`input[name=agendas][value="${own.agenda.id}"]`).check();
        await fill(page, { from: day(5), to: day(11), start: "13:00", end: "14:00", activity: own.activity.id });
        const before = await on.admin.position();
        await send(page, "#preview");
        assert.equal(await on.admin.position(), before, "a preview stores nothing");
        const laid = await page.locator("#outcome li").count();
        assert.ok(laid >= 5, `${laid} slots would be laid`);
        await send(page, "#publish");
        assert.notEqual(await on.admin.position(), before);
        await send(page, "#undo");
        await page.locator("#undone").waitFor();
        const asked = `from=${day(5)}&to=${day(11)}&agenda=${own.agenda.id}&after=${await on.admin.position()}`;
        const { days } = (await on.admin.get(`/agenda?${asked}`)).body;
        const slots = days.filter(({ agenda }) => agenda === own.agenda.id).flatMap((shown) => shown.slots);
        assert.equal(slots.filter((slot) => !slot.withdrawn && slot.availabilities.length > 0).length, 0);
      }, { script });
    });

    it(`make a template of a day, lay it over two agendas, and replace it by another, ${how}`, async () => {
      const [one, two] = [await desk(on.admin, `Dr One ${how}`), await desk(on.admin, `Dr Two ${how}`)];
      await one.open(day(6), "09:00", "10:00");
      await one.open(day(6), "13:00", "14:00");
      const [whole, morning] = [`Whole day ${how}`, `Morning ${how}`];
      await scheduler(async (v, page) => {
        const lay = async (name, date, slots) => {
          await page.goto("/staff/templates");
          await send(page, `a.apply[aria-label*="${name}"]`);
          for (const { agenda } of [one, two]) await page.locator(`input[name=agendas][value="${agenda.id}"]`).check();
          await fill(page, { "first-days": date });
          await send(page, "#preview");
          assert.equal(await page.locator("#outcome li").count(), slots);
          await send(page, "#publish");
          await page.goto(two.page(date));
          assert.equal(await page.locator(".slip").count(), (slots / 2) * 3);
        };
        const make = async (name, untick = 0) => {
          await page.goto(`/staff/templates?agenda=${one.agenda.id}&first_day=${day(6)}`);
          await fill(page, { name });
          for (let i = 0; i < untick; i += 1) await page.locator("input[name=slots]").last().uncheck();
          await send(page, "#make");
        };
        await make(whole);
        await lay(whole, day(13), 4);
        // A template does not change: another takes its place.
        await make(morning, 1);
        const row = page.locator("#list tr", { hasText: whole });
        await Promise.all([page.waitForNavigation(), row.locator("button.danger").click()]);
        assert.equal(await page.locator("#list tr", { hasText: whole }).count(), 0);
        await lay(morning, day(20), 2);
        await page.goto(two.page(day(13)));
        assert.equal(await page.locator(".slip").count(), 6, "what was laid down stays (R98)");
      }, { script });
    });
  }

  it("show the three clouds in text and icon, and the moment of publication passes before one's eyes", async () => {
    const own = await desk(on.admin, "Dr Clouds", { online: true });
    const at = new Date(Date.now() + 6_000);
    await own.open(day(5), "09:00", "09:40");
    await own.open(day(5), "14:00", "14:20", { publication: { at: at.toISOString() } });
    await bookOnline(on.server, { service: own.service });
    await scheduler(async (v, page) => {
      const shown = async () => {
        await page.goto(`${own.page(day(5))}&view=list`);
        const rows = page.locator("table.list tbody tr", { has: page.locator("th") });
        return Promise.all(
          (await rows.all()).map(async (row) => [
            await row.locator("svg use").first().getAttribute("href").catch(() => null),
            (await row.locator("td").nth(1).innerText()).trim(),
          ]),
        );
      };
      const before = await shown();
      const clouds = before.map(([icon]) => icon);
      assert.deepEqual(clouds, ["#i-cloud-check", "#i-cloud", "#i-cloud-clock"]);
      assert.match(before[0][1], /Booked online/);
      assert.match(before[1][1], /Free, online/);
      const clock = at.toLocaleTimeString("en-CA", { hour: "numeric", minute: "2-digit", timeZone: "America/Toronto" }).slice(0, 4);
      assert.match(before[2][1], /to be released at .*\d:\d\d/);
      assert.ok(before[2][1].includes(clock.replace(/\D+$/, "")), `${before[2][1]} says ${clock}`);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, at.getTime() - Date.now())));
      const after = await shown();
      assert.deepEqual(after.map(([icon]) => icon), ["#i-cloud-check", "#i-cloud", "#i-cloud"]);
    });
  });
});

/** Plans the stranger on the first free time of a day through the page; answers the appointment's id. */
async function plan(page, own, date) {
  await page.goto(own.page(date));
  await send(page, freeTimes);
  await fillContact(page, people.stranger);
  await send(page, "#plan");
  await page.goto(own.page(date));
  return /appointments\/([0-9a-f-]{36})/.exec(await page.locator(cards).first().getAttribute("data-move"))[1];
}

const free = async (page, own, date) => {
  await page.goto(own.page(date));
  return page.locator(freeTimes).count();
};
const listed = 'input[name=at]:not([value=same]):not([value=typed])';

describe("an appointment", () => {
  for (const [how, script] of withAndWithout) {
    it(`is planned, moved, lengthened with and without "only the selected", cancelled keeping and dropping, ${how}`, async () => {
      const own = await desk(on.admin, `Dr Life ${how}`);
      const date = day(7);
      await own.open(date, "09:00", "11:00");
      await scheduler(async (v, page) => {
        const id = await plan(page, own, date);
        assert.equal(await free(page, own, date), 5);

        await page.goto(`/staff/appointments/${id}/move`);
        await page.locator(listed).nth(1).check();
        await send(page, "#do-move");
        assert.equal((await own.appointment(id)).when.start_time, "09:40");

        // Twice as long: it takes what follows it too.
        const lengthen = async (minutes, only) => {
          await page.goto(`/staff/appointments/${id}/move`);
          await page.locator("input[value=same]").check();
          await page.fill("#minutes", minutes);
          await page.locator("#only-selected").setChecked(only);
          await send(page, "#do-move");
          assert.equal((await own.appointment(id)).when.duration_minutes, Number(minutes));
        };
        await lengthen("40", false);
        assert.equal(await free(page, own, date), 4, "two of six are taken");
        await lengthen("20", false);
        assert.equal(await free(page, own, date), 5);
        await lengthen("40", true);
        assert.equal(await free(page, own, date), 5, "only the selected one is taken");
        assert.match(await page.innerText("#board"), /Runs over from 10:00/);

        const cancel = async (who, keep) => {
          await page.goto(`/staff/appointments/${who}/cancel`);
          await page.locator("#by-patient").check();
          await fill(page, { reason: "On the telephone" });
          await page.locator("#keep-availability").setChecked(keep);
          await send(page, "#do-cancel");
          assert.equal((await own.appointment(who)).status, "cancelled");
        };
        await cancel(id, true);
        assert.equal(await free(page, own, date), 6, "kept: it can be booked again");
        await cancel(await plan(page, own, date), false);
        assert.equal(await free(page, own, date), 5, "dropped: it is not offered again");
      }, { script });
    });
  }

  it("is moved by keyboard alone, from the grid on", async () => {
    const own = await desk(on.admin, "Dr Keys");
    await own.open(day(8), "09:00", "11:00");
    const { id } = await own.plan(day(8), "09:00", "09:20");
    await scheduler(async (v, page) => {
      await page.goto(own.page(day(8)));
      // The grid is one stop; the arrows go on from there.
      await tabTo(page, "#grid .slip > a");
      for (let i = 0; i < 10; i += 1) {
        if (await page.evaluate(() => document.activeElement.matches("a[data-move]"))) break;
        await page.keyboard.press("ArrowDown");
      }
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      await press(page, "#move");
      const wanted = await page.locator(listed).nth(2).getAttribute("value");
      await tabTo(page, "input[name=at]");
      for (let i = 0; i < 40; i += 1) {
        if ((await page.evaluate(() => document.activeElement.value)) === wanted) break;
        await page.keyboard.press("ArrowDown");
      }
      await press(page, "#do-move");
      assert.notEqual((await own.appointment(id)).when.start_time, "09:00");
    });
  });

  it("is dragged to another time, which asks before anything happens", async () => {
    const own = await desk(on.admin, "Dr Drag");
    await own.open(day(9), "09:00", "11:00");
    const { id } = await own.plan(day(9), "09:00", "09:20");
    await scheduler(async (v, page) => {
      await page.goto(own.page(day(9)));
      const target = page.locator(freeTimes).last();
      const before = await on.admin.position();
      await Promise.all([page.waitForURL(/\/move\?/), page.locator(`a[data-move*="${id}"]`).dragTo(target)]);
      assert.equal(await on.admin.position(), before, "a drop alone changes nothing");
      await send(page, "#do-move");
      assert.equal((await own.appointment(id)).when.start_time, "10:40");
    });
  });

  it("answers from a card that is out of date by whom and when it was changed, and overwrites nothing", async () => {
    const own = await desk(on.admin, "Dr Stale");
    await own.open(day(10), "09:00", "11:00");
    const { id } = await own.plan(day(10), "09:00", "09:20");
    await scheduler(async (v, page) => {
      await page.goto(`/staff/appointments/${id}/move`);
      await on.as({ role: "administrator" }, async (_, other) => {
        await other.goto(`/staff/appointments/${id}`);
        await send(other, "#confirm");
      });
      const before = await on.admin.position();
      await page.locator(listed).nth(1).check();
      await send(page, "#do-move");
      assert.match(await page.innerText("[role=alert]"), /Julie Archambault.*\d:\d\d/s);
      assert.equal(await on.admin.position(), before, "nothing was overwritten");
      assert.equal((await own.appointment(id)).when.start_time, "09:00");
    });
  });
});
