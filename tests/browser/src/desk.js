// The staff's side in the browser: signing in once for each role, and the steps of their work.

/** Signs a visitor in as one of the demo's accounts. The session is opened through the page once, then shared. */
export async function signIn(v, role = "scheduler") {
  v.server.sessions ??= {};
  if (!v.server.sessions[role]) {
    const { email, password } = v.server.accounts[role];
    await v.page.goto("/staff/sign-in");
    await v.page.fill("#email", email);
    await v.page.fill("#password", password);
    await Promise.all([v.page.waitForNavigation(), v.page.click("button.main")]);
    const cookies = await v.context.cookies();
    const cookie = cookies.find(({ name }) => name === "__Host-staff");
    if (!cookie) throw new Error(`${role} was not let in`);
    v.server.sessions[role] = cookie.value;
    return;
  }
  const value = v.server.sessions[role];
  await v.context.addCookies([{ name: "__Host-staff", value, url: v.server.address.replace("http:", "https:"), secure: true, httpOnly: true, sameSite: "Lax" }]);
}
