// A visitor without a mouse: Tab, Space, Enter and the arrows, and the focus has to be seen at every stop.

/** Presses Tab until the element has the focus; fails where the focus cannot be seen or never comes there. */
export async function tabTo(page, selector, { limit = 150, back = false } = {}) {
  for (let i = 0; i < limit; i += 1) {
    const there = await page.evaluate((selector) => document.activeElement?.matches(selector) ?? false, selector);
    if (there) return;
    await page.keyboard.press(back ? "Shift+Tab" : "Tab");
    const unseen = await page.evaluate(focusFault);
    if (unseen) throw new Error(unseen);
  }
  throw new Error(`the focus never came to ${selector}`);
}

/** Reaches a radio button as a keyboard does: Tab to its group, then arrows. */
export async function pick(page, selector) {
  const name = await page.locator(selector).first().getAttribute("name");
  await tabTo(page, `input[type=radio][name="${name}"]`);
  for (let i = 0; i < 200; i += 1) {
    if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) {
      await page.keyboard.press("Space");
      return;
    }
    await page.keyboard.press("ArrowDown");
  }
  throw new Error(`the arrows never came to ${selector}`);
}

/** Goes to a field and types. */
export async function type(page, selector, text) {
  await tabTo(page, selector);
  await page.keyboard.type(text);
}

/** Goes to a button or link and presses Enter; waits for the page that it leads to. */
export async function press(page, selector) {
  await tabTo(page, selector);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

function focusFault() {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const drawn = (e) => {
    const style = getComputedStyle(e);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  };
  const box = element.getBoundingClientRect();
  const name = `${element.tagName.toLowerCase()}#${element.id}.${element.className} "${element.textContent.trim().slice(0, 30)}"`;
  if (!drawn(element) && !(element.closest("label") && drawn(element.closest("label")))) return `the focus on ${name} is not drawn`;
  if (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth) return `the focus on ${name} is out of sight`;
  // Something that stands still at the edge may lie over what has the focus (WCAG 2.4.11).
  const top = document.elementFromPoint(
    Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1),
    Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1),
  );
  const related = top && (element.contains(top) || top.contains(element) || element.closest("label")?.contains(top));
  if (!related) return `the focus on ${name} is covered by ${top?.tagName.toLowerCase()}.${top?.className}`;
  return null;
}
