// Fills a clinic with texts that would run if a page let them: every field that somebody may type in, thirty texts in each.

import { call } from "./clinic.js";
import { payloads } from "./payloads.js";

const both = (text) => ({ fr: text, en: text });
const dayAfter = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const twoDigits = (n) => String(n).padStart(2, "0");

/** As many payloads as fit into a longer field, joined; none is cut. */
export function joined(limit, list = payloads) {
  let text = "";
  for (const payload of list) if (text.length + payload.length + 1 <= limit) text += `${text && "\n"}${payload}`;
  return text;
}

/** Answers how many texts of each kind the clinic took: what is refused cannot be shown. */
export async function poison(server, admin) {
  const taken = {};
  const count = (kind, answer) => {
    taken[kind] = (taken[kind] ?? 0) + (answer ? 1 : 0);
    return answer;
  };
  const attempt = (kind, promise) => promise.then((answer) => count(kind, answer), () => count(kind, undefined));
  const open = (await admin.get("/services")).body.items.find((s) => s.active && s.config.criteria.length === 0 && s.config.free_text_reason);
  const [activity] = open.config.activities;

  await admin.portal({
    notice: both(joined(4_000)),
    terms: both(joined(20_000)),
    contact: { phone: payloads[11], email: joined(200), address: joined(500), website: "javascript:globalThis.ran=1" },
  });
  for (const [i, text] of payloads.entries()) {
    await attempt("activities", admin.post("/activities", { name: text, duration_minutes: 10 }));
    await attempt(
      "services",
      admin.post("/services", {
        internal_name: text,
        public_name: both(text),
        description: both(text),
        activities: [activity],
        reasons: [both(text)],
        reason_required: false,
      }),
    );
    await attempt("members", admin.post("/members", { name: text, email: `member${i}@example.org`, role: "scheduler" }));
    await attempt(
      "patients",
      admin.post("/patients", {
        details: {
          first_name: text,
          last_name: text,
          birth_date: "1980-01-01",
          sex: "other",
          emails: [`patient${i}@example.org`],
          addresses: [text],
        },
      }),
    );
    const practitioner = await attempt("practitioners", admin.post("/practitioners", { name: text, profession: both(text) }));
    if (!practitioner) continue;
    const agenda = await attempt("agendas", admin.post("/agendas", { practitioner: practitioner.body.id }));
    const date = dayAfter(2);
    const slot = { date, start: "13:00", end: "15:00", activity, title: text };
    await attempt("slots", admin.post(`/agendas/${agenda.body.id}/slots`, slot));
  }
  await room(admin, activity);
  await patientsType(server, open, attempt);
  await receptionTypes(admin, attempt);
  return taken;
}

/** So many open times that thirty bookings are nothing unusual: under load each would be asked for work. */
async function room(admin, activity) {
  const practitioner = (await admin.post("/practitioners", { name: "Room for everybody" })).body;
  const agenda = (await admin.post("/agendas", { practitioner: practitioner.id })).body;
  for (let days = 5; days < 20; days += 1) {
    await admin.post(`/agendas/${agenda.id}/slots`, { date: dayAfter(days), start: "08:00", end: "18:00", activity, interval_minutes: 1 });
  }
}

/** Open times so far ahead that they may be cancelled online, once they are there. */
async function openTimes(server, portal, service, headers) {
  const asked = `service=${service.id}&from=${dayAfter(6)}&limit=1`;
  for (let tries = 0; ; tries += 1) {
    const { status, body } = await call(server, "GET", `${portal}/availabilities?${asked}`, undefined, headers);
    if (body.availabilities?.length > 0) return body.availabilities;
    if (tries === 50) throw new Error(`no open time: ${status} ${JSON.stringify(body)}`);
    await new Promise((again) => setTimeout(again, 100));
  }
}

/** Visitors book with such names and reasons, and cancel with such reasons. */
async function patientsType(server, service, attempt) {
  const portal = `/api/v1/portal/${server.slug}`;
  for (const [i, text] of payloads.entries()) {
    const source = { "x-forwarded-for": `203.0.113.${i + 1}` };
    const person = {
      first_name: text,
      last_name: text,
      birth_date: "1981-02-03",
      sex: "other",
      email: `visitor${i}@example.org`,
      terms_accepted: true,
    };
    const visit = await attempt("visits", call(server, "POST", `${portal}/visits`, person, source));
    if (!visit) continue;
    const headers = { ...source, authorization: `Bearer ${visit.body.token}`, "idempotency-key": `poison-${i}` };
    const free = await openTimes(server, portal, service, headers);
    const wanted = { service: service.id, availability: free[0].availability, reason: { text } };
    if (service.config.reasons.length > 0) wanted.reason.choice = 0;
    const booked = await attempt("bookings", call(server, "POST", `${portal}/appointments`, wanted, headers));
    if (!booked) continue;
    const link = { ...source, authorization: `Bearer ${booked.body.link_token}`, "idempotency-key": `cancel-${i}` };
    link["if-match"] = `"${booked.revision}"`;
    await attempt("cancellations", call(server, "POST", `${portal}/appointment/cancel`, { reason: text, birth_date: person.birth_date }, link));
  }
}

/** Reception plans for provisional people and cancels, with such reasons. */
async function receptionTypes(admin, attempt) {
  const agendas = (await admin.get("/agendas")).body.items;
  for (const [i, text] of payloads.entries()) {
    const date = dayAfter(3);
    const start = `${twoDigits(18 + Math.floor(i / 6))}:${twoDigits((i % 6) * 10)}`;
    const end = `${twoDigits(18 + Math.floor((i + 1) / 6))}:${twoDigits(((i + 1) % 6) * 10)}`;
    const contact = { first_name: text, last_name: text, birth_date: "1982-03-04", sex: "other", email: `walk${i}@example.org` };
    const wanted = { agenda: agendas[0].id, date, start, end, contact, reason: text };
    const planned = await attempt("planned", admin.post("/appointments", wanted));
    if (planned && i % 3 > 0) {
      const cancelled = admin.post(`/appointments/${planned.body.id}/cancel`, { reason: text, keep_availability: true }, planned.revision);
      await attempt("cancelled by staff", cancelled);
    }
  }
}
