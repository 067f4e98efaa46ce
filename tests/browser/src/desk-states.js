// The states of the clinic's own pages, as states.js describes them: reception, administration, audit.

import { fill, send } from "./stage.js";

const go = (path) => (v) => v.page.goto(path);

/** Goes to the first address on a page that matches; the pages of one appointment, slot or service are found like this. */
const follow = (path, selector) => async (v) => {
  await v.page.goto(typeof path === "function" ? await path(v) : path);
  return v.page.goto(await v.page.locator(selector).first().getAttribute("href"));
};

/** The first day with an appointment that is ahead. */
const busyDay = async ({ server }) => {
  server.busyDay ??= (async () => {
    const dates = [1, 27].map((days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10));
    const { body } = await server.desk.get(`/appointments?from=${dates[0]}&to=${dates[1]}`);
    const live = (body.items ?? body.appointments).filter(({ status }) => status === "booked");
    return live.map(({ when }) => when.date).sort()[0];
  })();
  return server.busyDay;
};
const dayPage = (more = "") => async (v) => `/staff/agenda?date=${await busyDay(v)}${more}`;
const agenda = (more) => async (v) => v.page.goto(await dayPage(more)(v));
const oneAppointment = dayPage("&view=list");
const appointmentLink = "a[href^='/staff/appointments/']:not([href*='/new'])";
const appointmentPage = (sub) => async (v) => {
  await v.page.goto(await oneAppointment(v));
  return v.page.goto(`${await v.page.locator(appointmentLink).first().getAttribute("href")}${sub}`);
};

/** The record of some patient of the demo's. */
const recordOf = async ({ server }) => {
  const { body } = await server.desk.post("/patients/search", { text: "Tremblay" });
  return `/staff/patients/${body.patients[0].id}`;
};
/** A form that is sent as it stands, past what the browser itself would ask for. */
const wrong = (path, button) => async (v) => {
  await v.page.goto(path);
  await v.page.evaluate(() => document.querySelectorAll("form").forEach((form) => form.setAttribute("novalidate", "")));
  await send(v.page, button);
};

export const reception = [
  { name: "staff: agenda, day", as: "scheduler", shot: "agenda", open: agenda() },
  { name: "staff: agenda, week", as: "scheduler", open: agenda("&view=week") },
  { name: "staff: agenda, list", as: "scheduler", open: agenda("&view=list") },
  { name: "staff: agenda, nothing open", as: "scheduler", open: go("/staff/agenda?date=2030-01-01") },
  { name: "staff: agenda, as a practitioner sees it", as: "practitioner", open: agenda() },
  { name: "staff: appointment", as: "scheduler", shot: "appointment", open: appointmentPage("") },
  { name: "staff: appointment, to be moved", as: "scheduler", open: appointmentPage("/move") },
  { name: "staff: appointment, to be cancelled", as: "scheduler", open: appointmentPage("/cancel") },
  { name: "staff: plan an appointment", as: "scheduler", open: go("/staff/appointments/new") },
  {
    name: "staff: plan an appointment, records found",
    as: "scheduler",
    open: async (v) => {
      await v.page.goto("/staff/appointments/new");
      await v.page.fill("#search", "Tremblay");
      await send(v.page, "#find");
      await v.page.locator("#found").waitFor();
    },
  },
  { name: "staff: identify", as: "scheduler", shot: "identify", open: go("/staff/identify") },
  { name: "staff: identify one", as: "scheduler", open: follow("/staff/identify", "a.search") },
  { name: "staff: patients", as: "scheduler", open: go("/staff/patients") },
  {
    name: "staff: patients found",
    as: "scheduler",
    open: async (v) => {
      await v.page.goto("/staff/patients");
      await v.page.fill("#search", "Tremblay");
      await v.page.locator("#search").press("Enter");
      await v.page.locator("#found").waitFor();
    },
  },
  {
    name: "staff: a patient's record",
    as: "scheduler",
    open: async (v) => {
      await appointmentPage("")(v);
      return v.page.goto(await recordOf(v));
    },
  },
  { name: "staff: new patient", as: "scheduler", open: go("/staff/patients/new") },
  { name: "staff: schedules", as: "scheduler", shot: "schedule", open: go("/staff/schedule") },
  {
    name: "staff: schedules, the preview of many slots",
    as: "scheduler",
    open: async (v) => {
      await v.page.goto("/staff/schedule");
      await v.page.locator("input[name=agendas]").first().check();
      const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
      await fill(v.page, { from: day(30), to: day(36), start: "13:00", end: "14:00", title: "Réunion" });
      await send(v.page, "#preview");
      await v.page.locator("#outcome").waitFor();
    },
  },
  { name: "staff: schedules, with mistakes", as: "scheduler", anyStatus: true, open: wrong("/staff/schedule", "#preview") },
  { name: "staff: new slot", as: "scheduler", open: go("/staff/slots/new") },
  { name: "staff: slot, and why it is online", as: "scheduler", open: follow(dayPage(), ".band a") },
  { name: "staff: withdraw a day", as: "scheduler", open: go("/staff/schedule/day") },
  { name: "staff: messages that did not arrive", as: "scheduler", open: go("/staff/undelivered") },
  { name: "staff: templates", as: "scheduler", open: go("/staff/templates") },
  { name: "staff: lay a template", as: "scheduler", open: follow("/staff/templates", "a.apply") },
];

export const administration = [
  { name: "administration: what is missing", as: "administrator", shot: "administration", open: go("/staff/admin") },
  { name: "administration: portal", as: "administrator", open: go("/staff/admin/portal") },
  { name: "administration: link, QR code, snippets", as: "administrator", shot: "share", open: go("/staff/admin/share") },
  { name: "administration: activities", as: "administrator", open: go("/staff/admin/activities") },
  {
    name: "administration: an activity",
    as: "administrator",
    open: follow("/staff/admin/activities", "main a[href^='/staff/admin/activities/']:not([href$='/new'])"),
  },
  {
    name: "administration: new activity, with mistakes",
    as: "administrator",
    anyStatus: true,
    open: wrong("/staff/admin/activities/new", "#form button.main"),
  },
  { name: "administration: new activity", as: "administrator", open: go("/staff/admin/activities/new") },
  { name: "administration: practitioners", as: "administrator", open: go("/staff/admin/practitioners") },
  {
    name: "administration: a practitioner",
    as: "administrator",
    open: follow("/staff/admin/practitioners", "main a[href^='/staff/admin/practitioners/']:not([href$='/new'])"),
  },
  { name: "administration: new practitioner", as: "administrator", open: go("/staff/admin/practitioners/new") },
  { name: "administration: services", as: "administrator", open: go("/staff/admin/services") },
  {
    name: "administration: a service and what it puts online",
    as: "administrator",
    shot: "service-form",
    open: follow("/staff/admin/services", "main a[href^='/staff/admin/services/']:not([href$='/new'])"),
  },
  { name: "administration: new service, with mistakes", as: "administrator", anyStatus: true, open: wrong("/staff/admin/services/new", "#save") },
  { name: "administration: settings", as: "administrator", open: go("/staff/admin/settings") },
  { name: "administration: members", as: "administrator", open: go("/staff/admin/members") },
  { name: "administration: new member", as: "administrator", open: go("/staff/admin/members/new") },
  {
    name: "administration: a member",
    as: "administrator",
    open: follow("/staff/admin/members", "main a[href^='/staff/admin/members/']:not([href$='/new'])"),
  },
  {
    name: "administration: an invitation to hand over",
    as: "administrator",
    anyStatus: true,
    open: async (v) => {
      await v.page.goto("/staff/admin/members/new");
      await fill(v.page, { name: "Nouvelle Recrue", email: `recrue${Date.now()}@example.org` });
      await send(v.page, "main button.main");
    },
  },
  { name: "administration: tokens", as: "administrator", open: go("/staff/admin/tokens") },
  { name: "administration: new token", as: "administrator", open: go("/staff/admin/tokens/new") },
];

/** An appointment of the demo's, in the audit: by its id. */
const audited = async ({ server }) => {
  const { body } = await server.desk.get(`/agenda?from=${await busyDay({ server })}&to=${await busyDay({ server })}`);
  return body.days.flatMap(({ appointments }) => appointments ?? [])[0].id;
};

/** What the audit's search says to a text. */
const searched = (text) => async (v) => {
  await v.page.goto("/audit");
  await v.page.fill("#search", text);
  await send(v.page, "#find");
  await v.page.locator("#found").waitFor();
};

/** Somebody of the demo's asks to be forgotten, once. */
const asksToBeForgotten = async (clinic) => {
  const { body } = await clinic.post("/patients/search", { text: "Ouellet" });
  await clinic.post("/erasures", { patient: body.patients[0].id, note: "Par écrit" });
};

export const audit = [
  { name: "audit: search", as: "auditor", open: go("/audit") },
  { name: "audit: search, several found", as: "auditor", open: searched("gagnon") },
  { name: "audit: search, nothing found", as: "auditor", open: searched("Tremblay") },
  { name: "audit: the agenda of the past", as: "auditor", open: async (v) => v.page.goto(`/audit/agenda?date=${await busyDay(v)}&view=day`) },
  {
    name: "audit: the agenda before a change",
    as: "auditor",
    open: async (v) => {
      await v.page.goto(`/audit/agenda?date=${await busyDay(v)}&view=day`);
      return v.page.goto(await v.page.locator("#step-back").getAttribute("href"));
    },
  },
  { name: "audit: the reason for a look", as: "auditor", open: async (v) => v.page.goto(`/audit/appointments/${await audited(v)}`) },
  {
    name: "audit: an appointment",
    as: "auditor",
    shot: "audit",
    open: async (v) => v.page.goto(`/audit/appointments/${await audited(v)}?why=audit`),
  },
  { name: "audit: what a visitor saw", as: "auditor", open: go("/audit/seen") },
  {
    name: "audit: the times that a visitor saw",
    as: "auditor",
    open: follow("/audit/seen", "#services a"),
  },
  { name: "audit: why, nothing chosen", as: "auditor", open: go("/audit/explain") },
  {
    name: "audit: why",
    as: "auditor",
    open: async (v) => {
      await follow("/audit/seen", "#services a")(v);
      return v.page.goto(await v.page.locator("#times a").first().getAttribute("href"));
    },
  },
  { name: "audit: a slot", as: "auditor", open: follow(async (v) => `/audit/appointments/${await audited(v)}?why=audit`, "a[href^='/audit/slots/']") },
  { name: "audit: a patient", as: "auditor", open: async (v) => v.page.goto(`/audit/patients/${(await recordOf(v)).split("/").pop()}?why=audit`) },
  { name: "audit: rules", as: "auditor", open: go("/audit/rules") },
  { name: "audit: events", as: "auditor", open: go("/audit/events") },
  { name: "audit: an event and its proof", as: "auditor", open: follow("/audit/events", "#events a[href^='/audit/events/']") },
  { name: "audit: who saw whose data", as: "auditor", open: go("/audit/access?why=audit") },
  { name: "audit: erasures, none", as: "auditor", open: go("/audit/erasures") },
  { name: "audit: erasures", as: "auditor", set: asksToBeForgotten, open: go("/audit/erasures") },
  {
    name: "audit: an erasure",
    as: "auditor",
    open: async (v) => {
      await v.page.goto("/audit/erasures");
      return v.page.goto(`${await v.page.locator("#cases a").first().getAttribute("href")}?why=audit`);
    },
  },
  { name: "audit: the ledger", as: "auditor", open: go("/audit/ledger") },
];
