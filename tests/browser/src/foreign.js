// Pages of other sites: real servers on ports of their own. `localhost` and `127.0.0.1` are different sites to a browser.

import { createServer } from "node:http";

/** Serves `pages` (path to HTML) and notes every request that comes; `origin` is http://localhost:PORT. */
export async function site(pages = {}) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url, referer: request.headers.referer, headers: request.headers });
    const body = pages[new URL(request.url, "http://x").pathname];
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "text/html; charset=utf-8" });
    response.end(body ?? "nothing");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { origin: `http://localhost:${port}`, numeric: `http://127.0.0.1:${port}`, pages, requests, close };
}
