// The staff's side in the browser: signing in once for each role, and the steps of their work.

/** Signs a visitor in as one of the demo's accounts. The session is opened through the page once, then shared. */
export async function signIn(v, role = "scheduler") {
  v.server.sessions ??= {};
  if (!v.server.sessions[role]) {
    const { email, password } = v.server.accounts[role];
    await v.page.goto("/staff/sign-in");
    await v.page.fill("#email", email);
    await v.page.fill("#password", password);
    await Promise.all([v.page.waitForNavigation(), v.page.click("button.main")]);
    const cookies = await v.context.cookies();
    const cookie = cookies.find(({ name }) => name === "__Host-staff");
    if (!cookie) throw new Error(`${role} was not let in`);
    v.server.sessions[role] = cookie.value;
    return;
  }
  const value = v.server.sessions[role];
  await v.context.addCookies([{ name: "__Host-staff", value, url: v.server.address.replace("http:", "https:"), secure: true, httpOnly: true, sameSite: "Lax" }]);
}

/**
 * An activity and a practitioner with an empty agenda of their own, so that a test meets nobody else's appointments; with
 * `online` a service that puts its times online.
 */
export async function desk(admin, name, { online = false } = {}) {
  const activity = (await admin.post("/activities", { name: `Visit ${name}`, duration_minutes: 20 })).body;
  const practitioner = (await admin.post("/practitioners", { name })).body;
  const agenda = (await admin.post("/agendas", { practitioner: practitioner.id })).body;
  const both = { fr: `Service ${name}`, en: `Service ${name}` };
  const service = { internal_name: name, public_name: both, activities: [activity.id], reasons: [both], min_notice_minutes: 0 };
  if (online) await admin.post("/services", service);
  const open = async (date, start, end, more = {}) =>
    (await admin.post(`/agendas/${agenda.id}/slots`, { date, start, end, activity: activity.id, ...more })).body;
  const contact = { first_name: "Élie", last_name: "Sansregret", birth_date: "1979-10-08", sex: "male", cell_phone: "581 555-0188" };
  const plan = async (date, start, end) =>
    (await admin.post("/appointments", { agenda: agenda.id, date, start, end, contact, activity: activity.id })).body;
  const page = (date) => `/staff/agenda?date=${date}&agenda=${agenda.id}`;
  const appointment = async (id) => (await admin.get(`/appointments/${id}`)).body;
  return { name, service: both.en, activity, practitioner, agenda, open, plan, page, appointment };
}

/** The free times on a board, and the cards that can be moved. */
export const freeTimes = ".slip a[data-target]";
export const cards = ".slip a[data-move]";

/** Fills the provisional contact of a form that plans an appointment. */
export async function fillContact(page, person) {
  if (!(await page.locator("#first_name").isVisible())) await page.locator("#provisional summary").click();
  for (const name of ["first_name", "last_name", "birth_date", "cell_phone"]) await page.fill(`#${name}`, person[name]);
  await page.selectOption("#sex", person.sex);
}
