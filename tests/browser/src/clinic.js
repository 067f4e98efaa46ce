// The clinic's side, as its programs speak: staff sign in and use the documented API. Tests make states with it.

import { randomUUID } from "node:crypto";

/** A member of staff, signed in; `role` as in the demo's accounts. */
export async function staff(server, role = "administrator") {
  const account = server.accounts[role];
  const signed = await call(server, "POST", "/api/v1/session", account);
  const token = signed.body.token;
  const base = `/api/v1/clinics/${server.clinic}`;
  const authorized = (method, path, body, headers = {}) =>
    call(server, method, `${base}${path}`, body, { authorization: `Bearer ${token}`, "idempotency-key": randomUUID(), ...headers });
  const as = {
    token,
    get: (path) => authorized("GET", path),
    post: (path, body, revision) => authorized("POST", path, body ?? {}, matching(revision)),
    put: (path, body, revision) => authorized("PUT", path, body, matching(revision)),
    /** Reads what can be set as a whole, lets `change` alter it, and sets it; answers how it was. */
    async change(path, change, read = (body) => body) {
      const current = await as.get(path);
      const before = read(current.body);
      await as.put(path, change(structuredClone(before)), current.revision);
      return before;
    },
    settings: (change) => as.change("/settings", (all) => ({ ...all, ...change })),
    portal: (change) => as.change("/portal", (all) => ({ ...all, ...change }), (body) => body.config),
    async switchPortal(on) {
      const { revision } = await as.get("/portal");
      return as.post(`/portal/${on ? "activate" : "deactivate"}`, undefined, revision);
    },
    /** Switches off every service without a criterion; answers how to switch them on again. */
    async onlyRestrictedServices() {
      const { body } = await as.get("/services");
      const open = body.items.filter((service) => service.active && service.config.criteria.length === 0);
      for (const { id, revision } of open) await as.post(`/services/${id}/deactivate`, undefined, revision);
      return async () => {
        for (const { id, config } of open) {
          const { revision } = await as.get(`/services/${id}`);
          await as.put(`/services/${id}`, config, revision);
        }
      };
    },
    /** Where the clinic's log stands: it moves with every change, and not with what only observes (who saw, what was asked for). */
    async position() {
      let [position, after] = [null, null];
      for (;;) {
        const { body } = await as.get(`/feed?limit=1000${after === null ? "" : `&after=${encodeURIComponent(after)}`}`);
        if (body.events.length === 0) return position;
        for (const event of body.events) {
          after = event.position;
          if (!["access", "demand"].includes(event.category)) position = event.position;
        }
      }
    },
  };
  return as;
}

const matching = (revision) => (revision === undefined ? {} : { "if-match": `"${revision}"` });

/** One request; a refusal is an error unless it is asked for. */
export async function call(server, method, path, body, headers = {}, { refusals = false } = {}) {
  const response = await fetch(server.address + path, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const json = /json/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : undefined;
  if (!response.ok && !refusals) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return { status: response.status, body: json, text, headers: response.headers, revision: revision(response) };
}

function revision(response) {
  const found = /"(\d+)"/.exec(response.headers.get("etag") ?? "");
  return found ? Number(found[1]) : undefined;
}
