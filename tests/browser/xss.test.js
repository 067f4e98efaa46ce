// Thirty texts that would run, in every field that somebody may type in, shown on every page that shows them: none runs,
// none becomes an element, and the policy has nothing to report. Then: what a link's token leaves behind.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, visitor } from "./src/browser.js";
import { documentFaults } from "./src/checks.js";
import { call, staff } from "./src/clinic.js";
import { signIn } from "./src/desk.js";
import { payloads } from "./src/payloads.js";
import { joined, poison } from "./src/poison.js";
import { booking } from "./src/portal.js";
import { demo } from "./src/server.js";

let server;
let browser;
let admin;
let taken;

before(async () => {
  [server, browser] = await Promise.all([demo(), launch()]);
  admin = await staff(server);
  taken = await poison(server, admin);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What is wrong on the page that stands there; `texts` gathers which payloads it showed as text. */
async function faultsOf(v, texts) {
  const { page } = v;
  const faults = await documentFaults(page, v.language);
  if (await page.evaluate(() => globalThis.ran !== undefined)) faults.push("a text ran");
  const odd = await page.evaluate(() => [...document.querySelectorAll("iframe, object, embed, video, math, base, meta[http-equiv]")].map((e) => e.outerHTML.slice(0, 80)));
  faults.push(...odd.map((html) => `an element that no template has: ${html}`));
  faults.push(...v.seen.dialogs.splice(0), ...v.seen.policy.splice(0), ...v.seen.errors.splice(0));
  const text = await page.evaluate(() => document.body.textContent + [...document.querySelectorAll("input, textarea")].map((e) => e.value).join("\n"));
  for (const payload of payloads) if (text.includes(payload)) texts.add(payload);
  return faults.map((fault) => `${new URL(page.url()).pathname}: ${fault}`);
}

describe("texts that would run", () => {
  it("were taken by every kind of field", () => {
    for (const [kind, count] of Object.entries(taken)) assert.ok(count >= 15, `${kind}: ${count}`);
  });

  it("are text on every page of the portal", async () => {
    const v = await visitor(browser, server);
    const texts = new Set();
    const faults = [];
    const look = async () => faults.push(...(await faultsOf(v, texts)));
    const steps = booking(v);
    const person = {
      first_name: payloads[9],
      last_name: payloads[20],
      birth_date: "1979-10-08",
      sex: "male",
      email: "reader@example.org",
    };
    await steps.start();
    await look();
    await v.page.goto(`${v.portal}/who`);
    await look();
    await steps.identify(person);
    await look();
    await steps.chooseService(payloads[1]);
    await steps.on("when");
    await look();
    await v.page.goto(`${v.portal}/when?date=%3Cscript%3Eran%3D1%3C/script%3E&practitioner=%22%3E%3Cimg%20src%3Dx%20onerror%3Dran%3D1%3E`);
    await look();
    await v.page.goto(`${v.portal}/when`);
    await steps.chooseTime();
    await look();
    await v.page.fill("#reason_text", joined(500));
    await steps.next();
    await steps.on("check");
    await look();
    await steps.confirm();
    await look();
    await v.close();
    assert.deepEqual(faults, []);
    assert.ok(texts.size >= 28, `${texts.size} of the texts were shown`);
  });

  it("are text in every field of the portal that is filled again after a mistake", async () => {
    const v = await visitor(browser, server);
    const faults = [];
    const texts = new Set();
    const fields = ["first_name", "last_name", "health_number", "cell_phone", "email"];
    // The small numbers let every text stand in one of the fields, the great ones in each.
    const rounds = process.env.TORTURE === "1" ? payloads.length : payloads.length / fields.length;
    for (let round = 0; round < rounds; round += 1) {
      await v.page.goto(`${v.portal}/who`);
      for (const [i, id] of fields.entries()) await v.page.fill(`#${id}`, payloads[(round + i * 6) % payloads.length]);
      await booking(v).next();
      await v.page.waitForSelector("#errors");
      faults.push(...(await faultsOf(v, texts)));
    }
    await v.close();
    assert.deepEqual(faults, []);
    assert.equal(texts.size, payloads.length);
  });

  for (const role of ["administrator", "auditor"]) {
    it(`are text on every page that the ${role} can reach by links`, async () => {
      const v = await visitor(browser, server);
      await signIn(v, role);
      const { faults, texts, visited } = await crawl(v, process.env.TORTURE === "1" ? 400 : 60);
      await v.close();
      assert.deepEqual(faults, []);
      // There is nothing to read yet where the pages end after the first.
      if (role === "administrator" && visited.length > 2) assert.ok(texts.size >= 28, `${texts.size} of the texts on ${visited.length} pages: ${visited}`);
    });
  }
});

/** Follows links under /staff and /audit, pages of one kind in turn, so that a list of a thousand leads to some of each kind. */
async function crawl(v, limit) {
  const [faults, texts, visited] = [[], new Set(), []];
  const kinds = new Map([["/staff", ["/staff"]]]);
  const known = new Set(["/staff"]);
  while (visited.length < limit) {
    const waiting = [...kinds.values()].filter((queue) => queue.length > 0);
    if (waiting.length === 0) break;
    for (const queue of waiting) {
      const path = queue.shift();
      visited.push(path);
      // What is offered as a file shows nothing here.
      const response = await v.page.goto(path).catch((error) => {
        if (!/Download is starting/.test(error.message)) throw error;
      });
      if (!response || !/html/.test(response.headers()["content-type"] ?? "")) continue;
      if (response.status() >= 500) faults.push(`${path}: ${response.status()}`);
      faults.push(...(await faultsOf(v, texts)));
      const links = await v.page.evaluate(() => [...document.querySelectorAll("a[href]")].filter((a) => !a.download).map((a) => a.href));
      for (const link of links) {
        const url = new URL(link);
        const to = url.pathname + url.search;
        if (url.origin !== v.server.address || !/^\/(staff|audit)\b/.test(url.pathname) || known.has(to)) continue;
        known.add(to);
        const kind = url.pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, "*") + [...url.searchParams.keys()].join();
        if (!kinds.has(kind)) kinds.set(kind, []);
        kinds.get(kind).push(to);
      }
    }
  }
  return { faults, texts, visited };
}

describe("the token of an appointment's link", () => {
  it("stands in no log line and in no metric, also when it is sent to where it does not belong", async () => {
    const portal = `/api/v1/portal/${server.slug}`;
    const source = { "x-forwarded-for": "203.0.113.99" };
    const person = { first_name: "Ève", last_name: "Lien", birth_date: "1990-04-02", sex: "female", email: "eve@example.org", terms_accepted: true };
    const visit = await call(server, "POST", `${portal}/visits`, person, source);
    const headers = { ...source, authorization: `Bearer ${visit.body.token}`, "idempotency-key": "link" };
    const services = (await call(server, "GET", `${portal}/services`, undefined, headers)).body.services;
    const service = services.find(({ name }) => name.fr === "Vaccination");
    const free = await call(server, "GET", `${portal}/availabilities?service=${service.id}&limit=1`, undefined, headers);
    const wanted = { service: service.id, availability: free.body.availabilities[0].availability, reason: { choice: 0 } };
    const booked = await call(server, "POST", `${portal}/appointments`, wanted, headers);
    const token = booked.body.link_token;
    assert.match(token, /^l_[0-9a-f]{64}$/);
    const hex = token.slice(2);
    const refused = { refusals: true };
    await call(server, "GET", `${portal}/appointment`, undefined, { ...source, authorization: `Bearer ${token}` });
    await call(server, "GET", `/p/${server.slug}/fr/manage?token=${token}`, undefined, source, refused);
    await call(server, "GET", `/p/${server.slug}/${token}`, undefined, source, refused);
    await call(server, "POST", `${portal}/appointment/lookup`, { reference: token, birth_date: "1990-04-02" }, source, refused);
    await call(server, "GET", `/api/v1/session`, undefined, { authorization: `Bearer ${token}` }, refused);
    for (const part of [token, hex, hex.slice(0, 16), hex.slice(-16)]) assert.ok(!server.log().includes(part), "in the log");
    const metrics = await fetch(`${server.operations}/metrics`).then((answer) => answer.text());
    assert.ok(!metrics.includes(hex.slice(0, 16)), "in a metric");
  });
});
