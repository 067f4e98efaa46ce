// Every page in every state that a person may meet, once: axe, headers, reflow, large text, weight and screenshots all
// walk this table. A new state is one line.
//
// `open` brings a visitor (see browser.js) to the state. `file` names its screenshot. `light` marks pages that a phone
// loads first: they have the smaller budget.

const foreignForm = (visitor, action) =>
  visitor.page.route("**/foreign-form", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${visitor.server.address}${action}"><input type="submit"></form>`,
    }),
  );

export const states = [
  { name: "trouble: nothing here", status: 404, open: (v) => v.page.goto(`${v.portal}/nothing-here`) },
  { name: "trouble: another clinic", status: 404, open: (v) => v.page.goto(`/p/no-such-clinic/${v.language}/start`) },
  {
    name: "trouble: a form from another site",
    status: 403,
    open: async (v) => {
      await foreignForm(v, `${v.portal}/who`);
      await v.page.goto("http://elsewhere.example/foreign-form");
      const answer = v.page.waitForResponse((response) => response.url().startsWith(v.server.address));
      await v.page.click("input");
      return answer;
    },
  },
];
