// The explorer of a node with TLS that asks who calls. Run by e2e/explorer_test.go.
import { accessible, assert, browser, check, fits, network, origin, page } from "./world.mjs";

await check("a token opens the pages", async () => {
  const p = await page({ ignoreHTTPSErrors: true }), urls = [];
  p.on("request", (r) => urls.push(r.url()));
  const give = async (text) => {
    await p.locator("form.token input").fill(text);
    await p.getByRole("button", { name: "Use" }).click();
  };
  await p.visit("/");
  await p.locator("form.token").waitFor();
  await accessible(p, "the question for a token");
  await p.screenshot({ path: `${network.artefacts}/asked-1440.png` });
  await give(network.token.slice(0, -3) + "AAA");
  await p.locator("form.token .failed").waitFor();
  await give(network.token);
  await p.locator("form.token").waitFor({ state: "detached" });
  await p.locator('[data-testid="tile-head"] strong', { hasText: /\d/ }).waitFor();
  await p.locator('[data-feed="live"]').waitFor();
  for (const path of ["/validators", "/network", "/blocks"]) {
    await p.visit(path); // a reload, in the same tab
    await p.locator("tbody tr").first().waitFor();
    await fits(p, path);
  }
  assert.equal(await p.locator("form.token").count(), 0);
  const kept = await p.evaluate(() => [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })]);
  assert.ok(!kept[0].includes(network.token) && kept[1].includes(network.token), "it is kept with the tab, and nowhere else");
  assert.deepEqual(urls.filter((u) => u.includes(network.token.slice(-20))), []);
  p.faults = p.faults.filter((f) => !/status of 401/.test(f)); // the browser reports each
  await p.done();
});

await check("another tab does not know it", async () => {
  const p = await page({ ignoreHTTPSErrors: true });
  await p.visit("/blocks");
  await p.locator("form.token").waitFor();
  assert.ok(origin.startsWith("https://"));
  p.faults = p.faults.filter((f) => !/status of 401/.test(f));
  await p.done();
});

await browser.close();
process.exit(0);
