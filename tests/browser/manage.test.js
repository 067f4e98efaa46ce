// An appointment in its patient's hands: by the link of a message, whose token leaks nowhere and which changes nothing by being
// fetched, and by reference and birth date.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { call } from "./src/clinic.js";
import { site } from "./src/foreign.js";
import { bookOnline, seenByLink } from "./src/patient.js";
import { people } from "./src/portal.js";
import { send, stage } from "./src/stage.js";

const on = stage();
let booked = 0;

/** An appointment of the stranger's, far enough ahead to be changed; each test has one of its own. */
const appointment = () => {
  booked += 1;
  return bookOnline(on.server, { place: -booked });
};
const now = (own) => seenByLink(on.server, own);

const birth = async (page, [year, month, day] = people.stranger.birth_date.split("-")) => {
  await page.fill("#birth_day", String(Number(day)));
  await page.fill("#birth_month", String(Number(month)));
  await page.fill("#birth_year", year);
};
const find = async (v, { reference }) => {
  await v.page.goto(`${v.portal}/manage`);
  await v.page.fill("#reference", reference);
  await birth(v.page);
  await send(v.page, "button[value=find]");
  await v.page.locator("#state").waitFor();
};
const open = async (v, { token }) => {
  await v.page.goto(`${v.portal}/manage#${token}`);
  await v.page.locator("#state").waitFor();
};
const cancel = async (page) => {
  await send(page, "a[href*='/cancel']");
  await birth(page);
  await send(page, "button[value=cancel]");
};
// The last time of the page: the first ones are so near that they could not be changed again.
const move = async (page) => {
  await send(page, "a[href*='/move']");
  await page.locator("input[name=availability]").last().check();
  await send(page, "button[value=move]");
};

describe("the link of a message", () => {
  it("may be fetched five times by whatever reads mail, and opened five times, and nothing changes", async () => {
    const own = await appointment();
    const position = await on.admin.position();
    for (let i = 0; i < 5; i += 1) {
      await call(on.server, "GET", `/p/${on.server.slug}/en/manage`);
      await call(on.server, "HEAD", `/p/${on.server.slug}/en/manage`);
      await on.as({}, (v) => open(v, own));
      await on.as({ script: false }, (v) => v.page.goto(`${v.portal}/manage#${own.token}`));
    }
    for (const step of ["move", "cancel"]) await call(on.server, "GET", `/p/${on.server.slug}/en/${step}`, undefined, {}, { refusals: true });
    assert.equal(await on.admin.position(), position);
    assert.equal((await now(own)).status, "booked");
  });

  it("leaves its token in no address, no Referer, no log line and no metric", async () => {
    const own = await appointment();
    const sink = await site({ "/": "<h1>elsewhere</h1>" });
    const before = await on.admin.portal({ contact: { phone: "418 555-0142", website: "https://sink.example/" } });
    await on.as({}, async (v, page) => {
      const addresses = [];
      page.on("request", (request) => addresses.push(request.url(), request.headers().referer ?? ""));
      await open(v, own);
      assert.ok(!page.url().includes("l_"), "out of the address bar");
      await send(page, "a[href*='/move']");
      await page.goBack();
      // To another site, by a link that stands on the page.
      await page.evaluate((origin) => {
        document.querySelector("footer address a[href^='https:'], footer address a").href = origin;
      }, sink.origin);
      await Promise.all([page.waitForURL(`${sink.origin}/**`), page.locator(`a[href="${sink.origin}"]`).click()]);
      const hex = own.token.slice(2);
      const sent = addresses.filter((address) => address.includes(hex.slice(0, 16)) && !address.includes("#"));
      assert.deepEqual(sent, []);
      for (const request of sink.requests) {
        // Its own page asks it for an icon.
        if (request.url === "/") assert.equal(request.referer, undefined);
        assert.ok(!request.referer?.startsWith(on.server.address), request.referer);
        assert.ok(!JSON.stringify(request.headers).includes(hex.slice(0, 16)));
      }
      assert.ok(sink.requests.length > 0, "the other site was asked");
      for (const part of [hex.slice(0, 16), hex.slice(-16)]) assert.ok(!on.server.log().includes(part), "in the log");
      const metrics = await fetch(`${on.server.operations}/metrics`).then((answer) => answer.text());
      assert.ok(!metrics.includes(hex.slice(0, 16)), "in a metric");
    });
    await on.admin.portal(before);
    await sink.close();
  });

  it("shows no name and no health number", async () => {
    const own = await appointment();
    await on.as({}, async (v, page) => {
      await open(v, own);
      const text = await page.content();
      for (const secret of [people.stranger.first_name, people.stranger.last_name, people.stranger.cell_phone]) assert.ok(!text.includes(secret));
    });
  });

  it("that nobody gave out leads to the page that asks for reference and birth date, and says why", async () => {
    await on.as({}, async (v, page) => {
      await page.goto(`${v.portal}/manage#l_${"0".repeat(64)}`);
      await page.locator("#notice, #errors").first().waitFor();
      assert.equal(await page.locator("#reference").count(), 1);
    });
  });
});

for (const [by, reach, script] of [
  ["by link", open, true],
  ["by reference and birth date", find, true],
  ["by reference and birth date, without a script", find, false],
]) {
  describe(by, () => {
    it("a patient says that they will attend, moves, and cancels; afterwards nothing more can be done", async () => {
      const own = await appointment();
      await on.as({ script }, async (v, page) => {
        await reach(v, own);
        await send(page, "button[value=attend]");
        assert.equal((await now(own)).status, "confirmed");
        await move(page);
        await page.locator("#state").waitFor();
        const moved = await now(own);
        assert.notEqual(moved.start, own.start);
        await cancel(page);
        await page.locator("#state").waitFor();
        assert.equal((await now(own)).status, "cancelled");
        // The link was used: it shows what became of the appointment, and the way to a new one.
        await v.context.clearCookies();
        await reach(v, own);
        assert.match(await page.innerText("#state"), /cancelled/i);
        assert.equal(await page.locator("a[href*='/move'], a[href*='/cancel'], button[value=attend]").count(), 0);
        assert.equal(await page.locator("main a[href*='/start']").count(), 1);
      });
    });
  });
}

describe("what is refused", () => {
  it("a wrong birth date cancels nothing, and says so at the field", async () => {
    const own = await appointment();
    await on.as({}, async (v, page) => {
      await open(v, own);
      await send(page, "a[href*='/cancel']");
      await birth(page, ["1979", "10", "9"]);
      await send(page, "button[value=cancel]");
      await page.locator("#birth_day-error").waitFor();
      assert.equal((await now(own)).status, "booked");
    });
  });

  it("a page from before a change shows what is so now, and does nothing", async () => {
    const own = await appointment();
    await on.as({}, async (slow) => {
      await open(slow, own);
      await send(slow.page, "a[href*='/cancel']");
      await on.as({}, async (fast) => {
        await find(fast, own);
        await move(fast.page);
      });
      const position = await on.admin.position();
      await birth(slow.page);
      await send(slow.page, "button[value=cancel]");
      assert.notEqual((await now(own)).status, "cancelled");
      assert.match(await slow.page.innerText("#notice"), /\S/);
      assert.equal(await on.admin.position(), position);
    });
  });

  it("a second cancellation, from a page that was left open: it is cancelled already, and nothing is stored", async () => {
    const own = await appointment();
    await on.as({}, async (slow) => {
      await open(slow, own);
      await send(slow.page, "a[href*='/cancel']");
      await on.as({}, async (fast) => {
        await open(fast, own);
        await cancel(fast.page);
      });
      const position = await on.admin.position();
      await birth(slow.page);
      await send(slow.page, "button[value=cancel]");
      assert.match(await slow.page.innerText("#state"), /cancelled/i);
      assert.equal(await on.admin.position(), position);
    });
  });

  it("within the clinic's time limit: the page gives the telephone number and no button", async () => {
    const own = await appointment();
    const before = await on.admin.settings({ change_cutoff_minutes: 86_400 });
    await on.as({}, async (v, page) => {
      await open(v, own);
      assert.equal(await page.locator("a[href*='/move'], a[href*='/cancel']").count(), 0);
      assert.match(await page.innerText("main"), /418 555-0142/);
    });
    await on.admin.settings(before);
  });
});
