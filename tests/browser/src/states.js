// Every page in every state that a person may meet, once: axe, headers, reflow, large text, weight and screenshots all
// walk this table. A new state is one line.
//
// `open` brings a visitor (see browser.js) to the state and answers the last response, if it knows it. `as` is who has
// signed in. `status` is what is answered, 200 unless it is said (`anyStatus`: it does not matter). `set` prepares the
// clinic and answers how to put it back. `first` marks the page with the smaller budget,
// `framed` those that listed origins may frame. `shot` names the screenshot that the README uses.

import { audit, administration, reception } from "./desk-states.js";
import { booking, people } from "./portal.js";
import { send } from "./stage.js";

const foreignForm = async (v, action) => {
  const body = `<form method="post" action="${v.server.address}${action}"><input type="submit"></form>`;
  await v.page.route("**/foreign-form", (route) => route.fulfill({ contentType: "text/html", body }));
  await v.page.goto("http://elsewhere.example/foreign-form");
  const answer = v.page.waitForResponse((response) => response.url().startsWith(v.server.address));
  await v.page.click("input");
  return answer;
};

const go = (path) => (v) => v.page.goto(path);

const trouble = [
  { name: "trouble: nothing here", status: 404, open: (v) => v.page.goto(`${v.portal}/nothing-here`) },
  { name: "trouble: no such clinic", status: 404, open: (v) => v.page.goto(`/p/no-such-clinic/${v.language}/start`) },
  { name: "trouble: a form from another site", status: 403, open: (v) => foreignForm(v, `${v.portal}/who`) },
];

const outside = [
  { name: "staff: sign in", open: go("/staff/sign-in") },
  {
    name: "staff: sign in, wrong password",
    status: 401,
    open: async (v) => {
      await v.page.goto("/staff/sign-in");
      await v.page.fill("#email", v.server.accounts.scheduler.email);
      await v.page.fill("#password", "not the password");
      await Promise.all([v.page.waitForNavigation(), v.page.click("button.main")]);
      await v.page.waitForSelector("#error");
    },
  },
  { name: "staff: signed out", open: go("/staff/sign-in?signed_out=true") },
  { name: "staff: invitation", open: go("/staff/invitation") },
  { name: "staff: nothing here", as: "scheduler", status: 404, open: go("/staff/nothing-here") },
];

const to = (step, person, place) => (v) => booking(v).to(step, person, undefined, place);
const embedded = (v) => ({ ...v, portal: `/p/${v.server.slug}/embed/${v.language}` });
const listed = ["https://listed.example"];
const listOrigin = async (clinic) => {
  const before = await clinic.portal({ embedding_origins: listed });
  return () => clinic.portal(before);
};

/** The clinic asks for codes; answers how it was. */
const askForCodes = async (clinic) => {
  const { recognition_proof } = await clinic.settings({ recognition_proof: "one_time_code" });
  return () => clinic.settings({ recognition_proof });
};
// A contact gets five codes an hour: everybody here has a mailbox of their own.
let mailboxes = 0;
const mailbox = () => ({ ...people.stranger, cell_phone: "", email: `visiteur${(mailboxes += 1)}@example.org` });
const toCode = async (v) => {
  await booking(v).identify(mailbox());
  await v.page.locator("button[value=send]").waitFor();
};
const sendCode = async (v) => {
  await toCode(v);
  await send(v.page, "button[value=send]");
  await v.page.locator("#code").waitFor();
};
const returnCode = async (v, code) => {
  await v.page.fill("#code", code);
  await send(v.page, "button[value=prove]");
};
// One code in a million is this one.
const wrongCode = "000000";

const portal = [
  { name: "portal: start", first: true, shot: "start", open: (v) => booking(v).start() },
  {
    name: "portal: online booking is closed",
    set: async (clinic) => {
      await clinic.switchPortal(false);
      return () => clinic.switchPortal(true);
    },
    open: (v) => booking(v).start(),
  },
  {
    name: "portal: nothing open",
    set: (clinic) => clinic.onlyRestrictedServices(),
    open: (v) => booking(v).start(),
  },
  { name: "portal: who", shot: "who", open: (v) => v.page.goto(`${v.portal}/who`) },
  {
    name: "portal: who, with mistakes",
    status: 422,
    open: async (v) => {
      await v.page.goto(`${v.portal}/who`);
      await booking(v).next();
      await v.page.waitForSelector("#errors");
    },
  },
  { name: "portal: code", shot: "code", set: askForCodes, open: toCode },
  { name: "portal: code, sent", shot: "code-sent", set: askForCodes, open: sendCode },
  {
    name: "portal: code, wrong",
    status: 422,
    set: askForCodes,
    open: async (v) => {
      await sendCode(v);
      await returnCode(v, wrongCode);
      await v.page.waitForSelector("#errors");
    },
  },
  {
    name: "portal: code, over",
    status: 410,
    set: askForCodes,
    open: async (v) => {
      await sendCode(v);
      for (let tries = 0; tries < 6; tries += 1) await returnCode(v, wrongCode);
      await v.page.waitForSelector("#notice");
    },
  },
  { name: "portal: service", shot: "service", open: to("service", people.amelie) },
  {
    name: "portal: service, none chosen",
    status: 422,
    open: async (v) => {
      await booking(v).to("service");
      await booking(v).next();
      await v.page.waitForSelector("#errors");
    },
  },
  {
    name: "portal: not eligible",
    set: (clinic) => clinic.onlyRestrictedServices(),
    open: (v) => booking(v).identify(people.stranger),
  },
  { name: "portal: when", shot: "when", open: to("when") },
  {
    name: "portal: when, none chosen",
    status: 422,
    open: async (v) => {
      await booking(v).to("when");
      await booking(v).next();
      await v.page.waitForSelector("#notice");
    },
  },
  {
    name: "portal: when, filtered until nothing is left",
    open: async (v) => {
      await booking(v).to("when");
      await v.page.locator("details.filters summary").click();
      await v.page.locator("input[name=weekday], input[name=part]").first().check();
      await v.page.locator("input[name=part]").last().check();
      await Promise.all([v.page.waitForNavigation(), v.page.locator("details.filters button").click()]);
    },
  },
  { name: "portal: details and the hold", shot: "details", open: to("details") },
  {
    name: "portal: details, no reason given",
    status: 422,
    open: async (v) => {
      await booking(v).to("details");
      await booking(v).next();
      await v.page.waitForSelector("#errors");
    },
  },
  { name: "portal: check", shot: "check", open: to("check") },
  { name: "portal: booked", shot: "booked", open: to("booked", people.stranger, -1) },
  { name: "portal: the visit has ended", status: 401, open: (v) => v.page.goto(`${v.portal}/when`) },
  { name: "embedded: start", set: listOrigin, framed: listed, open: (v) => v.page.goto(`${embedded(v).portal}/start`) },
  { name: "embedded: who", set: listOrigin, framed: listed, open: (v) => v.page.goto(`${embedded(v).portal}/who`) },
  {
    name: "embedded: code, sent",
    set: async (clinic) => {
      const back = [await listOrigin(clinic), await askForCodes(clinic)];
      return async () => {
        for (const undo of back.reverse()) await undo();
      };
    },
    framed: listed,
    open: (v) => sendCode(embedded(v)),
  },
  { name: "demo: messages", open: go("/demo/messages") },
  { name: "embedded: when", set: listOrigin, framed: listed, open: (v) => booking(embedded(v)).to("when", people.stranger) },
];

/** An appointment of a stranger's, far enough ahead to be changed, found again by reference and birth date. */
const found = async (v) => {
  const reference = await booking(v).all(people.stranger, undefined, -1);
  await v.context.clearCookies();
  await v.page.goto(`${v.portal}/manage`);
  const [year, month, day] = people.stranger.birth_date.split("-");
  for (const [id, value] of Object.entries({ reference, birth_day: day, birth_month: month, birth_year: year })) {
    await v.page.fill(`#${id}`, value);
  }
  await send(v.page, "button[value=find]");
  await v.page.waitForSelector("#state");
};

const managing = [
  { name: "portal: find an appointment", shot: "find", open: (v) => v.page.goto(`${v.portal}/manage`) },
  {
    name: "portal: find an appointment, with mistakes",
    status: 422,
    open: async (v) => {
      await v.page.goto(`${v.portal}/manage`);
      await send(v.page, "button[value=find]");
      await v.page.waitForSelector("#errors");
    },
  },
  { name: "portal: an appointment", shot: "manage", open: found },
  {
    name: "portal: an appointment, to be moved",
    open: async (v) => {
      await found(v);
      await send(v.page, "a[href*='/move']");
    },
  },
  {
    name: "portal: an appointment, to be cancelled",
    open: async (v) => {
      await found(v);
      await send(v.page, "a[href*='/cancel']");
    },
  },
  {
    name: "portal: an appointment that is cancelled",
    open: async (v) => {
      await found(v);
      await send(v.page, "a[href*='/cancel']");
      const [year, month, day] = people.stranger.birth_date.split("-");
      for (const [id, value] of Object.entries({ birth_day: day, birth_month: month, birth_year: year })) await v.page.fill(`#${id}`, value);
      await send(v.page, "button[value=cancel]");
    },
  },
  {
    name: "portal: a link that leads to no appointment",
    open: async (v) => {
      await v.page.goto(`${v.portal}/manage#l_${"0".repeat(64)}`);
      await v.page.locator("#notice, #errors").first().waitFor();
    },
    anyStatus: true,
  },
];

export const states = [...trouble, ...portal, ...managing, ...outside, ...reception, ...administration, ...audit];
