// What holds on every page: headers, language, headings, reflow. Each answers the list of what is wrong.

/** Headers that protect a page; `framed` are the origins that may frame it. */
export function headerFaults(response, framed = []) {
  const headers = response.headers();
  const faults = [];
  const want = (name, expected) => {
    const ok = expected instanceof RegExp ? expected.test(headers[name] ?? "") : headers[name] === expected;
    if (!ok) faults.push(`${name} is ${headers[name]}`);
  };
  want("content-type", /^text\/html; ?charset=utf-8$/i);
  want("x-content-type-options", "nosniff");
  want("referrer-policy", "no-referrer");
  want("strict-transport-security", /^max-age=\d{8,}/);
  want("cross-origin-opener-policy", "same-origin");
  want("cache-control", "no-store");
  const policy = Object.fromEntries(
    (headers["content-security-policy"] ?? "").split(";").map((part) => {
      const [name, ...values] = part.trim().split(/\s+/);
      return [name, values.join(" ")];
    }),
  );
  const wanted = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "require-trusted-types-for": "'script'",
    "frame-ancestors": framed.length > 0 ? framed.join(" ") : "'none'",
  };
  for (const [name, value] of Object.entries(wanted)) {
    if (policy[name] !== value) faults.push(`the policy's ${name} is ${policy[name]}`);
  }
  if (/unsafe|\*/.test(headers["content-security-policy"] ?? "*")) faults.push("the policy is open somewhere");
  if (framed.length === 0 && headers["x-frame-options"] !== "DENY") faults.push("X-Frame-Options is not DENY");
  for (const cookie of (headers["set-cookie"] ?? "").split("\n").filter(Boolean)) {
    if (framed.length > 0) faults.push(`a framed page sets a cookie: ${cookie}`);
    for (const part of ["Secure", "HttpOnly", "Path=/"]) if (!cookie.includes(part)) faults.push(`a cookie without ${part}`);
    if (!cookie.startsWith("__Host-")) faults.push("a cookie whose name is not bound to this host");
    if (!/SameSite=(Lax|Strict)/.test(cookie)) faults.push("a cookie that other sites' requests carry");
  }
  return faults;
}

/** The page itself: language, title, one first heading, a main landmark, no inline style or script, no foreign address. */
export async function documentFaults(page, language) {
  return page.evaluate((language) => {
    const faults = [];
    if (document.documentElement.lang !== language) faults.push(`the language is ${document.documentElement.lang}`);
    if (document.title.trim() === "") faults.push("no title");
    if (document.querySelectorAll("h1").length !== 1) faults.push(`${document.querySelectorAll("h1").length} first headings`);
    if (document.querySelectorAll("main").length !== 1) faults.push("not one main landmark");
    for (const element of document.querySelectorAll("*")) {
      for (const { name } of element.attributes) if (name.startsWith("on")) faults.push(`an inline handler ${name}`);
    }
    for (const script of document.scripts) if (!script.src && !/json/.test(script.type)) faults.push("an inline script");
    if (document.querySelector("style")) faults.push("an inline style sheet");
    for (const link of document.querySelectorAll("a[href]")) {
      if (/^\s*javascript:/i.test(link.getAttribute("href"))) faults.push("a link that runs");
    }
    const seen = new Set();
    for (const { id } of document.querySelectorAll("[id]")) {
      if (seen.has(id)) faults.push(`the id ${id} stands twice`);
      seen.add(id);
    }
    if (/(^|\W)(undefined|null|NaN|None(?! of)|Some\()(\W|$)/.test(document.body.innerText)) faults.push("a value that is no text");
    return faults;
  }, language);
}

/** Nothing needs scrolling sideways, and no text is cut off. */
export async function reflowFaults(page) {
  return page.evaluate(() => {
    const faults = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
      const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1);
      const named = wide.slice(0, 3).map((e) => `${e.tagName.toLowerCase()}.${e.className}`);
      faults.push(`${root.scrollWidth} wide in ${root.clientWidth}: ${named.join(", ")}`);
    }
    for (const element of document.querySelectorAll("main *")) {
      const style = getComputedStyle(element);
      const hides = ["hidden", "clip"].includes(style.overflowX) && style.clipPath === "none";
      if (hides && element.scrollWidth > element.clientWidth + 1 && element.textContent.trim()) {
        faults.push(`text is cut off in ${element.tagName.toLowerCase()}.${element.className}`);
      }
    }
    return faults;
  });
}

/** Targets are large enough to hit (WCAG 2.5.8): 24 px, unless they stand in a sentence. */
export async function targetFaults(page) {
  return page.evaluate(() => {
    const faults = [];
    for (const element of document.querySelectorAll("button, a[href], select, input:not([type=hidden]), textarea, summary")) {
      const { width, height } = (element.closest("label") ?? element).getBoundingClientRect();
      const inline = getComputedStyle(element).display === "inline";
      const hidden = width === 0 || element.classList.contains("skip") || !element.checkVisibility();
      if (!inline && !hidden && (width < 24 || height < 24)) {
        faults.push(`${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 30)}" is ${Math.round(width)} x ${Math.round(height)}`);
      }
    }
    return faults;
  });
}
