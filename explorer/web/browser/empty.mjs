// The explorer of a chain on which nothing has happened. Run by e2e/explorer_test.go.
import { accessible, assert, browser, check, fits, network, page, rpc } from "./world.mjs";

await check("an empty chain", async () => {
  assert.equal(await rpc("eth_blockNumber"), "0x0");
  for (const width of [1440, 360]) {
    const p = await page({ viewport: { width, height: 800 } });
    for (const [path, shown, text] of [
      ["/", '[data-testid="tile-head"] strong', "0"], ["/blocks", '[data-testid="blocks"] tbody tr', "0"], ["/block/0", '[data-testid="verify-card"]', "genesis"],
      ["/block/1", "h1", "No such block"], ["/statistics", '[data-testid="days-chart"]', "days"], ["/tokens", '[data-testid="tokens"] .empty', "No token"],
      ["/pool", '[data-testid="pool"] .empty', "Nothing waits"], ["/pbft", '[data-testid="stage"]', "0"], ["/validators", '[data-testid="validators"] tbody tr', network.names[0]],
      ["/address/0x00000000000000000000000000000000000f1e2d", '[data-testid="address-transactions"] .empty', "No transactions"],
    ]) {
      await p.visit(path);
      await p.locator(shown, { hasText: text }).first().waitFor();
      await p.locator('[data-feed="live"]').waitFor();
      await fits(p, path);
      await accessible(p, path);
      if (path === "/") await p.screenshot({ path: `${network.artefacts}/empty-${width}.png`, fullPage: true });
    }
    assert.equal(await p.locator(".failed").count(), 0);
    await p.done();
  }
});

await check("a block that is to come is shown when it has come", async () => {
  const p = await page();
  await p.visit("/block/1");
  await p.locator("h1", { hasText: "No such block" }).waitFor();
  const { privateKeyToAccount } = await import("viem/accounts");
  const raw = await privateKeyToAccount(network.keys[0]).signTransaction({ chainId: network.chainId, nonce: 0, to: "0x00000000000000000000000000000000000f1e2d", value: 1n, gas: 21_000n, gasPrice: 0n, type: "legacy" });
  await rpc("eth_sendRawTransaction", raw);
  await p.locator('[data-testid="verified"][data-ok="true"]').waitFor();
  await p.done();
});

await browser.close();
process.exit(0);
