// What the checks in a browser share: the network, a browser without any other network,
// and what must hold on every page.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export { assert };

/** network is { rpc, names, pids, keys, chainId, genesis, quorate, chromium, artefacts } from the Go test. */
export const network = JSON.parse(process.argv[2] ?? readFileSync(0, "utf8"));
export const origin = network.rpc[0];

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(network.artefacts, { recursive: true });

/** check runs one check, prints it, and ends everything with the first that fails. */
export async function check(name, body) {
  const began = performance.now();
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("nothing within two minutes")), 120_000)));
  try {
    await Promise.race([body(), late]);
  } catch (e) {
    console.error(`${name}: ${e.stack ?? e}`);
    for (const [i, page] of [...open].entries()) await page.screenshot({ path: `${network.artefacts}/failed-${i}.png`, fullPage: true }).catch(() => {});
    await browser.close();
    process.exit(1);
  }
  clearTimeout(timer);
  console.log(JSON.stringify({ check: name, ms: Math.round(performance.now() - began) }));
}

export async function rpc(method, ...params) {
  const response = await fetch(origin, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) });
  const answer = await response.json();
  if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result;
}

export const browser = await chromium.launch({
  executablePath: network.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

const open = new Set();

/** page opens a page of its own, and takes down whatever it does that no page may do. */
export async function page(options = {}) {
  const { own = origin, ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true, ...rest });
  const p = await context.newPage();
  p.faults = [];
  p.on("request", (r) => {
    const url = r.url();
    if (![own, own.replace("http", "ws"), "blob:" + own].some((o) => url.startsWith(o)) && !url.startsWith("data:")) p.faults.push(`asks for ${url}`);
  });
  p.on("console", (m) => m.type() === "error" && !/ERR_(CONNECTION|INCOMPLETE|EMPTY)|net::/.test(m.text()) && p.faults.push(`console: ${m.text()}`));
  p.on("pageerror", (e) => p.faults.push(`error: ${e.message}`));
  p.on("dialog", (d) => (p.faults.push(`a dialog: ${d.message()}`), void d.dismiss()));
  p.visit = (path) => p.goto(own + "/explorer" + path);
  p.done = async () => {
    assert.deepEqual(p.faults, []);
    open.delete(p);
    await context.close();
  };
  open.add(p);
  return p;
}

/** accessible fails if axe finds something serious. */
export async function accessible(p, what) {
  await p.evaluate(axe);
  const result = await p.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = result.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious.map((v) => `${what}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`), []);
}

/** fits fails if a page is wider than the screen, and says by what. */
export async function fits(p, what) {
  const [over, by] = await p.evaluate(() => {
    const screen = document.documentElement.clientWidth, over = document.documentElement.scrollWidth - screen;
    const wide = over > 0 ? [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > screen) : [];
    return [over, wide.slice(-3).map((e) => e.outerHTML.slice(0, 200))];
  });
  assert.ok(over <= 0, `${what} is ${over} px wider than the screen: ${by.join(" | ")}`);
}

/** until waits for a condition that is polled. */
export async function until(what, condition, limit = 30_000) {
  for (const end = Date.now() + limit; ; ) {
    const value = await condition().catch(() => undefined);
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${limit} ms`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
