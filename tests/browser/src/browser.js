// Chromium, and visitors: each a context of its own with what it saw noted down (dialogs, console, policy reports, weight).

import { chromium } from "playwright-core";

const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";
const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--font-render-hinting=none",
  "--host-resolver-rules=MAP *.example 127.0.0.1",
];

/** A browser; close it at the end. Its own words, such as those of a date field, are in this language. */
export function launch(language = "en") {
  const env = { ...process.env, LANGUAGE: `${language}_CA` };
  return chromium.launch({ executablePath: executable, args: [...args, `--lang=${language}-CA`], env });
}

let visitors = 0;

/**
 * A visitor with a fresh context: `page`, `goto`, and `seen`, what happened in it that nobody should see.
 * Options are those of a context; the language also chooses the browser's.
 */
export async function visitor(browser, server, { language = "fr", script = true, ...options } = {}) {
  visitors += 1;
  const source = `198.51.${100 + Math.floor(visitors / 250)}.${1 + (visitors % 250)}`;
  const context = await browser.newContext({
    baseURL: server.address,
    locale: language === "fr" ? "fr-CA" : "en-CA",
    timezoneId: "America/Toronto",
    viewport: { width: 1280, height: 900 },
    javaScriptEnabled: script,
    reducedMotion: "reduce",
    extraHTTPHeaders: { "x-forwarded-for": source },
    ...options,
  });
  context.setDefaultTimeout(15_000);
  const seen = { dialogs: [], errors: [], policy: [] };
  if (script) {
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
  }
  context.on("page", (page) => watch(page, seen));
  const page = await context.newPage();
  return { context, page, seen, language, server, portal: `/p/${server.slug}/${language}`, close: () => context.close() };
}

function watch(page, seen) {
  page.on("dialog", (dialog) => {
    seen.dialogs.push(dialog.message());
    dialog.dismiss().catch(() => {});
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    const text = message.text();
    // A refused step answers 4xx with a page of its own: Chromium reports that as an error of the network, we do not.
    if (/^Failed to load resource/.test(text)) return;
    (/policy|Trusted/i.test(text) ? seen.policy : seen.errors).push(text);
  });
}

/**
 * What the page at the end of `navigate` and all that it loads weigh on the wire, in bytes, from an empty cache; and the
 * answer that it came with.
 */
export async function weigh(page, navigate) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const resources = new Map();
  let answer;
  session.on("Network.requestWillBeSent", ({ type, requestId, loaderId, request }) => {
    // A new document: what was loaded for the one before it no longer counts. A form counts as the page that answers it.
    if (type === "Document" && requestId === loaderId) resources.clear();
    resources.set(requestId, { url: request.url, bytes: 0 });
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const resource = resources.get(requestId);
    if (resource) resource.bytes = encodedDataLength;
  });
  const note = (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) answer = response;
  };
  page.on("response", note);
  await navigate();
  await page.waitForLoadState("load");
  page.off("response", note);
  await session.detach();
  const list = [...resources.values()].filter(({ url }) => !url.startsWith("data:"));
  return { total: list.reduce((sum, { bytes }) => sum + bytes, 0), list, answer };
}
