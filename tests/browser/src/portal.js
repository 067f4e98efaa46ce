// The patient's side: people of the demo, and the steps of a booking as a visitor takes them. Nothing here needs a script
// in the page, so that the same steps are taken with scripts switched off.

/** The demo's own patients, and people that no clinic knows. */
export const people = {
  // Registered with Dr. Gagnon: sees her times.
  amelie: {
    first_name: "Amélie",
    last_name: "Tremblay",
    birth_date: "1988-04-12",
    sex: "female",
    health_number: "TREA 8854 1217",
    cell_phone: "418 555-0101",
    email: "amelie.tremblay@example.org",
  },
  gerard: {
    first_name: "Gérard",
    last_name: "Bélanger",
    birth_date: "1949-09-03",
    sex: "male",
    health_number: "BELG 4909 0314",
    cell_phone: "418 555-0102",
    email: "gerard.belanger@example.org",
  },
  fatima: {
    first_name: "Fatima",
    last_name: "Benali",
    birth_date: "1995-06-30",
    sex: "female",
    cell_phone: "418 555-0105",
    email: "fatima.benali@example.org",
  },
  // Nobody knows him: he sees what is open to everybody.
  stranger: { first_name: "Élie", last_name: "Sansregret", birth_date: "1979-10-08", sex: "male", cell_phone: "581 555-0188" },
};

/** The steps of a booking; each ends on the next page. */
export function booking(v) {
  const { page } = v;
  // In a frame every step has the address of the form before it: what stands on the page tells where we are.
  const marks = {
    who: "#birth_day",
    service: "input[name=service]",
    when: "input[name=availability]",
    details: "input[name=notify]",
    check: "button.main[value=book]",
    booked: "#reference",
  };
  const on = (step) => page.locator(marks[step]).first().waitFor();
  const next = async () => {
    await Promise.all([page.waitForNavigation(), page.locator("main button.main[name=do]").first().click()]);
  };
  const steps = {
    on,
    next,
    start: () => page.goto(`${v.portal}/start`),
    async identify(person = people.amelie) {
      await page.goto(`${v.portal}/who`);
      await steps.fill(person);
      await next();
    },
    async fill(person) {
      for (const name of ["first_name", "last_name", "health_number", "cell_phone", "email"]) {
        await page.fill(`#${name}`, person[name] ?? "");
      }
      const [year, month, day] = person.birth_date.split("-").map(Number);
      await page.fill("#birth_day", String(day));
      await page.fill("#birth_month", String(month));
      await page.fill("#birth_year", String(year));
      await page.check(`#sex-${person.sex}`);
      await page.check("#terms");
    },
    async chooseService(name = services[v.language].open) {
      await on("service");
      const choice = page.locator("label.choice", { hasText: name }).first();
      await choice.locator("input").check();
      await next();
    },
    /** Chooses the time at this place in the list; answers its address and what it says. */
    async chooseTime(place = 0) {
      await on("when");
      const input = page.locator("input[name=availability]").nth(place);
      const availability = await input.getAttribute("value");
      const text = await page.locator("label.choice", { has: page.locator(`input[value="${availability}"]`) }).first().innerText();
      await input.check();
      await next();
      return { availability, text };
    },
    async giveReason(text = { fr: "Contrôle annuel", en: "Yearly check-up" }[v.language]) {
      await on("details");
      const choice = page.locator("input[name=reason]");
      if ((await choice.count()) > 0) await choice.first().check();
      const free = page.locator("#reason_text");
      if ((await free.count()) > 0) await free.fill(text);
      await next();
    },
    async confirm() {
      await on("check");
      await page.locator(marks.check).click();
      await on("booked");
    },
    reference: async () => (await page.locator("#reference span").first().innerText()).trim(),
    /** From the first page to the booked appointment. */
    async all(person = people.amelie, service = undefined, place = 0) {
      await steps.identify(person);
      await steps.chooseService(service);
      await steps.chooseTime(place);
      await steps.giveReason();
      await steps.confirm();
      return steps.reference();
    },
    /** Up to the page of this name. */
    async to(step, person = people.amelie, service = undefined, place = 0) {
      const order = ["service", "when", "details", "check", "booked"];
      const moves = [
        () => steps.identify(person),
        () => steps.chooseService(service),
        () => steps.chooseTime(place),
        () => steps.giveReason(),
        () => steps.confirm(),
      ];
      for (const move of moves.slice(0, order.indexOf(step) + 1)) await move();
    },
  };
  return steps;
}

/** Names of the demo's services, as patients read them. */
export const services = {
  fr: { open: "Vaccination", own: "Rendez-vous avec mon médecin de famille", prompt: "Consultation rapide" },
  en: { open: "Vaccination", own: "Appointment with my family physician", prompt: "Prompt consultation" },
};
