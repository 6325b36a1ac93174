// A validator leaves while pages are open. Run by e2e/explorer_test.go.
import { execFileSync } from "node:child_process";
import { assert, browser, check, network, page, rpc, until } from "./world.mjs";

const leaves = network.addresses[3], name = network.names[3];
const signed = (i, ...args) => execFileSync(network.quorate, ["validators", ...args, "--dir", network.dirs[i], "--rpc", network.rpc[i], "--json"], { encoding: "utf8" });
let change;

await check("a validator leaves under an open page", async () => {
  const set = await page(), protocol = await page();
  await set.visit("/validators");
  await protocol.visit("/pbft");
  for (const p of [set, protocol]) await p.locator('[data-feed="live"]').waitFor();
  const rows = set.locator('[data-testid="validators"] tbody tr');
  await rows.nth(3).waitFor();
  await until("its votes are shown", async () => (await set.locator('[data-testid="heat"] rect[data-seen="certificate"]').count()) > 3);
  const { proposal } = JSON.parse(signed(0, "propose-remove", leaves));
  signed(1, "vote", proposal.id);
  signed(2, "vote", proposal.id, "--wait", "--timeout", "60s");
  await until("three are left", async () => (await rows.count()) === 3);
  await set.locator('[data-testid="heat"] .heat-name').nth(2).waitFor();
  assert.equal(await set.locator('[data-testid="heat"] .heat-name').count(), 3);
  change = (await rpc("pbft_validators")).firstSeq;
  await until("blocks of the new set", async () => Number(await rpc("eth_blockNumber")) >= change + 4);
  // Who stays was in most certificates before and after, whatever place it had in them.
  const stays = set.locator('[data-testid="heat"] svg > g').nth(2);
  await until("its votes are read by the set of each block", async () => {
    const seen = await stays.locator("rect").evaluateAll((list) => list.map((r) => r.dataset.seen));
    return seen.length > 8 && !seen.includes("absent");
  });
  await protocol.locator('[data-testid="diagram"] .lane-name', { hasText: name }).waitFor({ state: "detached" });
  assert.equal(await protocol.locator('[data-testid="diagram"] .lane-name').count(), 3);
  await set.screenshot({ path: `${network.artefacts}/members-1440.png`, fullPage: true });
  for (const p of [set, protocol]) await p.done();
});

await check("an empty block of a set that no transaction has seen is verified", async () => {
  const block = await rpc("eth_getBlockByNumber", "0x" + (change + 2).toString(16), false);
  assert.deepEqual(block.transactions, []);
  const p = await page();
  await p.visit(`/block/${change + 2}`);
  await p.locator('[data-testid="verified"][data-ok="true"]', { hasText: "of 3 validators" }).waitFor();
  await p.locator('[data-testid="phases"] .lane-name').nth(2).waitFor();
  await p.screenshot({ path: `${network.artefacts}/empty-block-1440.png`, fullPage: true });
  await p.done();
});

await check("a block before the change is drawn with the set of then", async () => {
  const p = await page();
  await p.visit(`/block/${change - 1}`);
  await p.locator('[data-testid="verified"][data-ok="true"]', { hasText: "of 4 validators" }).waitFor();
  await p.visit(`/pbft?seq=${change - 1}`);
  await p.locator('[data-testid="diagram"] .lane-name', { hasText: name }).waitFor();
  assert.equal(await p.locator('[data-testid="diagram"] .lane-name').count(), 4);
  await p.done();
});

await browser.close();
process.exit(0);
