// Patients who book as a program does, through the portal's API: tests make online appointments with it.

import { call } from "./clinic.js";
import { people } from "./portal.js";

let visits = 0;

/**
 * Books a time of a service for somebody; each comes from an address of their own. `place` counts in the list of times, from
 * its end if it is negative. Answers the appointment as the portal shows it, the token of its link and the position of the booking in the log.
 */
export async function bookOnline(server, { person = people.stranger, service = "Vaccination", place = 0 } = {}) {
  visits += 1;
  const portal = `/api/v1/portal/${server.slug}`;
  const source = { "x-forwarded-for": `203.0.113.${visits}` };
  const visit = await call(server, "POST", `${portal}/visits`, { ...person, terms_accepted: true }, source);
  const headers = { ...source, authorization: `Bearer ${visit.body.token}`, "idempotency-key": `visit-${visits}` };
  const { services } = (await call(server, "GET", `${portal}/services`, undefined, headers)).body;
  const { id } = services.find(({ name }) => Object.values(name).includes(service));
  const free = await call(server, "GET", `${portal}/availabilities?service=${id}&limit=100`, undefined, headers);
  const { availability } = free.body.availabilities.at(place);
  const booked = await call(server, "POST", `${portal}/appointments`, { service: id, availability, reason: { choice: 0 } }, headers);
  return { ...booked.body.appointment, token: booked.body.link_token, position: booked.headers.get("booking-position") };
}

/** An appointment as its link shows it now. */
export async function seenByLink(server, { token }) {
  const path = `/api/v1/portal/${server.slug}/appointment`;
  return (await call(server, "GET", path, undefined, { authorization: `Bearer ${token}` })).body;
}
