// Takes the screenshots of docs/screenshots from the demo clinic: every state that has a `shot`, in both languages, those of
// the portal on a phone and a desktop. WebP, small enough for a repository. Usage: node screenshots.js FOLDER [name]

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch, visitor } from "./src/browser.js";
import { staff } from "./src/clinic.js";
import { signIn } from "./src/desk.js";
import { demo } from "./src/server.js";
import { states } from "./src/states.js";

const [folder, only] = process.argv.slice(2);
const looks = {
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, quality: 60 },
  desktop: { viewport: { width: 1280, height: 860 }, deviceScaleFactor: 1, quality: 80 },
};
// Those of the staff first: they show the clinic as the demo made it, and not what was booked for the others.
const shots = states.filter(({ shot }) => shot && (!only || shot === only));
const ordered = [...shots.filter((state) => state.as), ...shots.filter((state) => !state.as)];

mkdirSync(folder, { recursive: true });
for (const language of ["fr", "en"]) {
  const [server, browser] = await Promise.all([demo(), launch(language)]);
  const clinic = await staff(server);
  server.desk = clinic;
  try {
    for (const state of ordered) {
      for (const look of state.as ? ["desktop"] : ["phone", "desktop"]) await take({ server, browser, clinic }, state, language, look);
    }
  } finally {
    await browser.close();
    await server.stop();
  }
}

async function take({ server, browser, clinic }, state, language, look) {
  const { quality, ...context } = looks[look];
  const restore = await state.set?.(clinic);
  const scheme = process.env.SCREENSHOT_SCHEME ?? "light";
  const v = await visitor(browser, server, { language, colorScheme: scheme, ...context });
  if (state.as) await signIn(v, state.as);
  await state.open(v);
  await v.page.evaluate(() => {
    document.activeElement?.blur();
    scrollTo(0, 0);
    // The day as reception works in it: where its first appointment stands.
    document.querySelector("#grid a[data-move]")?.closest("li").scrollIntoView({ block: "center", inline: "center" });
    scrollTo(0, 0);
    // Of those to identify, one beside whom records come near.
    document.querySelector(".case:has(button.attach)")?.scrollIntoView();
    return document.fonts.ready.then(() => undefined);
  });
  const session = await v.page.context().newCDPSession(v.page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality });
  const name = `${state.shot}-${language}${state.as ? "" : `-${look}`}.webp`;
  writeFileSync(join(folder, name), Buffer.from(data, "base64"));
  console.log(`${name} ${Math.round((data.length * 3) / 4000)} kB`);
  await v.close();
  await restore?.();
}
