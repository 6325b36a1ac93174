// A chain of a year, with one account in every block. Run by e2e/longchain_test.go.
import { privateKeyToAccount } from "viem/accounts";
import { accessible, assert, browser, check, fits, network, page, rpc, until } from "./world.mjs";

const { head, busy, token, mintEvery } = network;
const hex = (n) => "0x" + n.toString(16), blockOf = (n) => rpc("eth_getBlockByNumber", hex(n), false);
const spaced = (n) => new RegExp(String(n).replace(/\B(?=(\d{3})+$)/g, "\\s")); // as the pages write it
const middle = Math.floor(head / 2);

/** looks visits a page wide and light, and narrow and dark, in which it must be right, fit and be accessible. */
async function looks(name, path, body) {
  for (const [width, colorScheme] of [[1440, "light"], [360, "dark"]]) {
    const p = await page({ viewport: { width, height: 800 }, colorScheme });
    await p.visit(path);
    await body(p);
    await fits(p, name);
    await accessible(p, name);
    await p.screenshot({ path: `${network.artefacts}/long-${name}-${width}-${colorScheme}.png`, fullPage: true });
    await p.done();
  }
}

/** shown are the numbers of the blocks in a list. */
const shown = (p, list) => p.locator(`[data-testid="${list}"] tbody [data-testid="block-link"]`).evaluateAll((links) => links.map((a) => Number(a.textContent)));

/** lists waits until a list shows these blocks, no others. */
const lists = (p, list, want) => until(`${list} ${want[0]} … ${want.at(-1)}`, async () => JSON.stringify(await shown(p, list)) === JSON.stringify(want));

const down = (from, count) => Array.from({ length: count }, (_, i) => from - i);

await check("overview", async () => {
  await looks("overview", "/", async (p) => {
    await p.locator('[data-testid="tile-head"] strong', { hasText: spaced(head) }).waitFor();
    await p.locator('[data-feed="live"]').waitFor();
    const latest = p.locator('[data-testid="latest-blocks"]');
    await latest.locator('[data-testid="block-link"]', { hasText: String(head) }).first().waitFor();
    await latest.locator("li").nth(7).waitFor();
    assert.equal(await latest.locator("li").count(), 8);
  });
});

await check("the list of blocks, from both ends and in the middle", async () => {
  await looks("blocks", "/blocks", async (p) => {
    await lists(p, "blocks", down(head, 25));
    await p.getByTestId("older").click();
    await lists(p, "blocks", down(head - 25, 25));
    await p.getByTestId("oldest").click();
    await lists(p, "blocks", down(24, 25));
    assert.equal(await p.getByTestId("older").count(), 0);
    assert.equal(await p.getByTestId("oldest").count(), 0);
    await p.getByTestId("jump").fill(middle.toLocaleString("en"));
    await p.keyboard.press("Enter");
    await lists(p, "blocks", down(middle, 25));
    await p.reload();
    await lists(p, "blocks", down(middle, 25));
    await p.locator(".pager a", { hasText: "Newer" }).click();
    await lists(p, "blocks", down(middle + 25, 25));
    await p.getByTestId("jump").fill(String(head + 1_000_000)); // what is not there yet
    await p.keyboard.press("Enter");
    await lists(p, "blocks", down(head, 25));
  });
});

await check("blocks, early, in the middle and last, verified from genesis", async () => {
  for (const number of [1, 7, middle, head]) {
    const p = await page(), b = await blockOf(number);
    await p.visit(`/block/${number}`);
    await p.locator("h1", { hasText: spaced(number) }).waitFor();
    await p.locator('[data-testid="verified"][data-ok="true"]').waitFor();
    for (const hash of b.transactions) await p.locator(`[data-testid="block-transactions"] a[href$="${hash}"]`).waitFor();
    await p.keyboard.press("k");
    await until("the block before", async () => p.url().endsWith(`/block/${number - 1}`));
    await p.done();
  }
});

await check("an address with a transaction in every block", async () => {
  const mine = (p) => p.locator('[data-testid="address-transactions"]'), next = (p) => mine(p).getByRole("button", { name: "Next" }).click();
  const { count, exact } = await rpc("index_transactionCount", busy);
  assert.equal(Number(count), exact ? head : 10_000);
  await looks("busy", `/address/${busy}`, async (p) => {
    await lists(p, "address-transactions", down(head, 25));
    await mine(p).locator("h2", { hasText: spaced(Number(count)) }).waitFor();
    assert.equal(/More than/.test(await mine(p).locator("h2").textContent()), !exact);
    await next(p);
    await lists(p, "address-transactions", down(head - 25, 25));
    await p.getByTestId("order").click();
    await lists(p, "address-transactions", down(25, 25).reverse());
    await next(p);
    await lists(p, "address-transactions", down(50, 25).reverse());
    await p.getByTestId("order").click();
    await lists(p, "address-transactions", down(head, 25));
  });
});

await check("a token with many holders", async () => {
  const mints = Math.floor(head / mintEvery), sum = await rpc("index_token", token);
  assert.deepEqual([Number(sum.transfers), Number(sum.holders)], [mints, mints]);
  await looks("token", `/token/${token}`, async (p) => {
    const last = Math.floor(head / mintEvery) * mintEvery, expected = (from) => Array.from({ length: 25 }, (_, i) => from - i * mintEvery);
    await lists(p, "transfers", expected(last));
    await p.locator('[data-testid="transfers"]').getByRole("button", { name: "Next" }).click();
    await lists(p, "transfers", expected(last - 25 * mintEvery));
  });
});

await check("a year of days", async () => {
  const day = (back) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
  const days = await rpc("index_daily", day(364), day(0)), total = days.reduce((n, d) => n + Number(d.transactions), 0);
  assert.ok(days.length > 360 && total > (head * 360) / 401, `${total} transactions on ${days.length} days`);
  await looks("statistics", "/statistics?days=365", async (p) => {
    await p.locator('[data-testid="days-chart"] .card-note', { hasText: spaced(total) }).waitFor();
    await p.locator('[data-testid="days"] tbody tr').nth(30).waitFor();
  });
});

await check("search by number and by hash", async () => {
  const p = await page(), early = (await blockOf(7)).transactions[0];
  const search = async (text, path) => {
    await p.locator("#search").fill(text);
    await p.keyboard.press("Enter");
    await until(path, async () => p.url().endsWith(path));
  };
  await p.visit("/");
  await search(middle.toLocaleString("en"), `/block/${middle}`);
  await search((await blockOf(3)).hash, `/block/${(await blockOf(3)).hash}`);
  await p.locator("h1", { hasText: spaced(3) }).waitFor();
  await search(early, `/tx/${early}`);
  await p.locator('[data-testid="verified"][data-ok="true"], .title .badge.ok').first().waitFor();
  await search(busy, `/address/${busy.toLowerCase()}`);
  await p.locator("#search").fill(String(head + 1_000_000));
  await p.locator("#found .nothing").waitFor();
  await p.done();
});

await check("the chain goes on", async () => {
  const p = await page(), account = privateKeyToAccount(network.keys[0]);
  await p.visit("/blocks");
  await lists(p, "blocks", down(head, 25));
  const raw = await account.signTransaction({ chainId: network.chainId, nonce: 0, to: account.address, value: 1n, gas: 21_000n, gasPrice: 0n, type: "legacy" });
  await rpc("eth_sendRawTransaction", raw);
  await lists(p, "blocks", down(head + 1, 25));
  await p.done();
});

await browser.close();
process.exit(0);
