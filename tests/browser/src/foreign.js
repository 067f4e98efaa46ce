// Pages of other sites: real servers on ports of their own. `localhost`, `127.0.0.1` and a name of its own (which the browser
// is told to find here) are different sites to a browser.

import { createServer } from "node:http";

/** Serves `pages` (path to HTML) and notes every request that comes; `origin` is http://localhost:PORT. */
export async function site(pages = {}) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url, referer: request.headers.referer, headers: request.headers });
    const url = new URL(request.url, "http://x");
    const page = pages[url.pathname];
    const body = typeof page === "function" ? page(url) : page;
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "text/html; charset=utf-8" });
    response.end(body ?? "nothing");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A test that fails before it closes its sites ends all the same.
  server.unref();
  const { port } = server.address();
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const named = `http://elsewhere.example:${port}`;
  return { origin: `http://localhost:${port}`, numeric: `http://127.0.0.1:${port}`, named, pages, requests, close };
}
