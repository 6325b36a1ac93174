// A node that lies: it passes everything on, but changes answers on their way.
import http from "node:http";

/** lie starts a proxy before a node; change gets each answer with the method it is to. */
export function lie(node, change) {
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (c) => chunks.push(c));
    request.on("end", () => {
      const asked = Buffer.concat(chunks), to = new URL(request.url, node);
      const headers = { ...request.headers, host: to.host, "accept-encoding": "identity" };
      const up = http.request(to, { method: request.method, headers }, (answer) => {
        if (request.method !== "POST") {
          response.writeHead(answer.statusCode, answer.headers);
          answer.pipe(response);
          return;
        }
        const got = [];
        answer.on("data", (c) => got.push(c));
        answer.on("end", () => {
          const calls = new Map([JSON.parse(asked)].flat().map((c) => [c.id, c.method]));
          const list = JSON.parse(Buffer.concat(got));
          for (const a of [list].flat()) if (a.result) change(calls.get(a.id), a.result);
          response.writeHead(answer.statusCode, { "content-type": "application/json" });
          response.end(JSON.stringify(list));
        });
      });
      up.on("error", () => response.destroy());
      response.on("close", () => up.destroy());
      up.end(asked);
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve({ url: `http://127.0.0.1:${server.address().port}`, close: () => server.closeAllConnections?.() ?? server.close() })));
}

/** flip changes one bit in the middle of a hexadecimal text. */
export const flip = (text) => {
  const at = 2 + ((text.length - 2) >> 1);
  return text.slice(0, at) + (parseInt(text[at], 16) ^ 1).toString(16) + text.slice(at + 1);
};
