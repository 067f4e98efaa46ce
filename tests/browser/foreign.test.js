// Other sites: what they post is refused, what they frame stays empty, and the watch that says so can see.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, visitor } from "./src/browser.js";
import { call, staff } from "./src/clinic.js";
import { site } from "./src/foreign.js";
import { demo } from "./src/server.js";

let server;
let browser;
let admin;
let foreign;

before(async () => {
  [server, browser, foreign] = await Promise.all([demo(), launch(), site({ "/": "<!doctype html><title>another site</title>" })]);
  admin = await staff(server);
});
after(async () => {
  await browser?.close();
  await Promise.all([server?.stop(), foreign?.close()]);
});

describe("what another site's page sends", () => {
  it("is refused on every route that changes something, and nothing changes", async () => {
    const routes = await unsafeRoutes();
    assert.ok(routes.length > 40, `${routes.length} routes`);
    const v = await visitor(browser, server);
    await v.page.goto(foreign.origin);
    const before = await admin.position();
    const passed = [];
    for (const { method, path } of routes) {
      const status = method === "post" ? await postForm(v.page, path) : undefined;
      if (method === "post" && status !== 403) passed.push(`form ${path}: ${status}`);
      const answer = await v.page.evaluate(
        async ([url, method]) => {
          try {
            const options = { method, credentials: "include", headers: { "content-type": "application/json" }, body: "{}" };
            return (await fetch(url, options)).status;
          } catch {
            return "blocked";
          }
        },
        [server.address + path, method.toUpperCase()],
      );
      if (answer !== "blocked") passed.push(`${method} ${path}: ${answer}`);
    }
    assert.deepEqual(passed, []);
    assert.equal(await admin.position(), before, "the log did not move");
    await v.close();
  });

  it("is not invited: no answer carries a permission for other origins", async () => {
    for (const path of ["/api/v1/session", "/api/v1/portal/vieux-moulin/visits", `/p/${server.slug}/fr/who`, "/staff"]) {
      const headers = { origin: foreign.origin, "access-control-request-method": "POST" };
      const answer = await call(server, "OPTIONS", path, undefined, headers, { refusals: true });
      const permissions = [...answer.headers.keys()].filter((name) => name.startsWith("access-control-"));
      assert.deepEqual(permissions, [], path);
    }
  });
});

/** Every route that changes something: the documented ones, and the pages' as far as a form can guess them. */
async function unsafeRoutes() {
  const { body } = await call(server, "GET", "/api/v1/openapi.json");
  const documented = Object.entries(body.paths).flatMap(([path, methods]) =>
    ["post", "put", "delete", "patch"].filter((method) => methods[method]).map((method) => ({ method, path: fill(path) })),
  );
  const steps = ["start", "who", "service", "when", "details", "check", "booked", "manage"];
  const pages = steps.flatMap((step) => [`/p/${server.slug}/fr/${step}`, `/p/${server.slug}/embed/en/${step}`]);
  const staffPages = ["/staff", "/staff/sign-in", "/staff/agenda", "/staff/reconciliation", "/staff/admin"];
  return [...documented, ...[...pages, ...staffPages].map((path) => ({ method: "post", path }))];
}

const fill = (path) =>
  path.replace("{slug}", server.slug).replace("{clinic}", server.clinic).replace(/\{[a-z_]+\}/g, "00000000-0000-4000-8000-000000000000");

/** Posts a form of the page that stands there; answers the status that came back. */
async function postForm(page, path) {
  const answer = page.waitForResponse((response) => response.request().method() === "POST" && response.url() === server.address + path);
  await page.evaluate((action) => {
    const frame = document.createElement("iframe");
    frame.name = `f${Math.random()}`;
    const form = Object.assign(document.createElement("form"), { method: "post", action, target: frame.name });
    document.body.append(frame, form);
    form.submit();
  }, server.address + path);
  return (await answer).status();
}

describe("framing", () => {
  it("nothing but listed origins frames an embedded page, and nobody any other page (4 origins x 6 pages)", async () => {
    const host = (url) => `<!doctype html><title>host</title><iframe src="${url.searchParams.get("page")}"></iframe>`;
    const [listed, other] = await Promise.all([site({ "/host": host }), site({ "/host": host })]);
    await admin.portal({ embedding_origins: ["https://listed.example", listed.origin] });
    const origins = [listed.origin, other.origin, listed.numeric, other.named];
    const pages = [
      `/p/${server.slug}/embed/fr/start`,
      `/p/${server.slug}/fr/start`,
      `/p/${server.slug}/fr/manage`,
      "/staff",
      "/api/docs/",
      "/no/such/page",
    ];
    const v = await visitor(browser, server);
    const framed = [];
    for (const origin of origins) {
      for (const path of pages) {
        await v.page.goto(`${origin}/host?page=${encodeURIComponent(server.address + path)}`);
        if (await isShown(v.page)) framed.push(`${origins.indexOf(origin)} ${path}`);
      }
    }
    await v.close();
    await Promise.all([listed.close(), other.close()]);
    assert.deepEqual(framed, [`0 ${pages[0]}`]);
  });

  /** The frame shows a document of the server, not the browser's own word that it may not. */
  async function isShown(page, address = server.address) {
    const frame = page.frames().find((frame) => frame !== page.mainFrame());
    if (!frame.url().startsWith(address)) return false;
    return (await frame.locator("h1, .swagger-ui").count()) > 0;
  }

  it("can be seen: a page that allows it is shown by the same means", async () => {
    const open = await site({ "/": "<h1>shown</h1>", "/host": '<iframe src="/"></iframe>' });
    const v = await visitor(browser, { ...server, address: open.named });
    await v.page.goto("/host");
    assert.ok(await isShown(v.page, open.named));
    await v.close();
    await open.close();
  });
});

describe("the watch on a page", () => {
  it("sees an inline script and an inline handler refused", async () => {
    const v = await visitor(browser, server);
    await v.page.goto(`${v.portal}/nothing-here`);
    await v.page.evaluate(() => {
      document.body.append(Object.assign(document.createElement("script"), { textContent: "" }));
      const template = document.createElement("img");
      template.setAttribute("onerror", "globalThis.ran=1");
      template.src = "x:";
      document.body.append(template);
    }).catch(() => {});
    await v.page.waitForFunction(() => true);
    assert.notDeepEqual(v.seen.policy, []);
    assert.equal(await v.page.evaluate(() => globalThis.ran), undefined, "the policy holds what the template let through");
    await v.close();
  });
});
