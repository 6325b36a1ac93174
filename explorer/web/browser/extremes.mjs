// Where there is much, or nothing any more. Run by e2e/explorer_test.go.
import { createPublicClient, createWalletClient, decodeEventLog, defineChain, encodeFunctionData, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { compile } from "../../../e2e/clients/compile.mjs";
import { accessible, assert, browser, check, fits, network, origin, page, rpc, until } from "./world.mjs";

const chain = defineChain({ id: network.chainId, name: "devnet", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: { default: { http: [origin] } } });
const account = privateKeyToAccount(network.keys[0]);
const client = createPublicClient({ chain, transport: http(), pollingInterval: 50 });
const wallet = createWalletClient({ account, chain, transport: http() });
const mined = async (hash) => client.waitForTransactionReceipt({ hash });
const both = [1440, 360];

const { abi, bytecode } = compile("solidity/Extremes.sol", "Extremes");
const extremes = (await mined(await wallet.deployContract({ abi, bytecode }))).contractAddress;
const act = async (functionName, args, gas) => mined(await wallet.writeContract({ address: extremes, abi, functionName, args, gas }));

/** looks visits a page in both widths, in which it must fit and be accessible. */
async function looks(name, path, body) {
  for (const width of both) {
    const p = await page({ viewport: { width, height: 800 } });
    await p.visit(path);
    await body(p);
    await fits(p, name);
    await accessible(p, name);
    await p.screenshot({ path: `${network.artefacts}/${name}-${width}.png`, fullPage: width > 500 });
    await p.done();
  }
}

await check("a block of thousands of transactions", async () => {
  const block = await rpc("eth_getBlockByNumber", "0x" + network.full.toString(16), false), pages = Math.ceil(block.transactions.length / 25);
  await looks("full-block", `/block/${network.full}`, async (p) => {
    await p.locator('[data-testid="verified"][data-ok="true"]').waitFor();
    const rows = p.locator('[data-testid="block-transactions"] tbody tr'), pager = p.locator('[data-testid="block-transactions"] [data-testid="pager"]');
    await rows.nth(24).waitFor();
    assert.equal(await rows.count(), 25);
    await pager.getByRole("button", { name: "Last" }).click();
    await rows.locator(`a[href$="${block.transactions.at(-1)}"]`).waitFor();
    assert.ok(p.url().endsWith(`?page=${pages}`), p.url());
    await p.reload();
    await rows.locator(`a[href$="${block.transactions.at(-1)}"]`).waitFor();
    await pager.getByRole("button", { name: "Previous" }).click();
    await rows.locator(`a[href$="${block.transactions[(pages - 2) * 25]}"]`).waitFor();
    assert.ok((await p.evaluate(() => document.querySelectorAll("*").length)) < 3000, "the page holds a bounded number of elements");
  });
});

await check("ten thousand logs", async () => {
  const said = await act("say", [10_000n], 16_000_000n);
  assert.equal(said.logs.length, 10_000);
  await looks("many-logs", `/tx/${said.transactionHash}?part=logs`, async (p) => {
    await p.getByRole("tab", { name: /Logs · 10/ }).waitFor();
    await p.locator('[data-testid="tx-logs"] li').nth(49).waitFor();
    await p.getByRole("button", { name: "Last" }).click();
    await p.locator('[data-testid="tx-logs"] li', { hasText: "9999" }).first().waitFor();
    await p.getByRole("tab", { name: "Proof" }).click();
    await p.locator('[data-testid="verified"][data-ok="true"]').waitFor();
    await p.getByRole("tab", { name: /Logs/ }).click();
    await p.locator('[data-testid="tx-logs"] li').nth(49).waitFor();
  });
  await looks("loud-contract", `/address/${extremes}`, (p) => p.locator('[data-testid="address-transactions"] tbody tr').nth(1).waitFor());
});

await check("many calls, and calls inside each other", async () => {
  const many = await mined(await wallet.sendTransaction({ to: extremes, data: encodeFunctionData({ abi, functionName: "call", args: [600n] }), gas: 5_000_000n }));
  await looks("many-calls", `/tx/${many.transactionHash}?part=calls`, async (p) => {
    await p.locator('[data-testid="tx-calls"] li li').nth(498).waitFor();
    assert.equal(await p.locator('[data-testid="tx-calls"] li').count(), 500);
    await p.locator('[data-testid="tx-calls"] .card-note', { hasText: "601" }).waitFor();
  });
  const deep = await mined(await wallet.sendTransaction({ to: extremes, data: encodeFunctionData({ abi, functionName: "deep", args: [60n] }), gas: 5_000_000n }));
  await looks("deep-calls", `/tx/${deep.transactionHash}?part=calls`, async (p) => {
    const last = p.locator('[data-testid="tx-calls"] li').last();
    await last.waitFor();
    assert.equal(await p.locator('[data-testid="tx-calls"] li').count(), 61);
    assert.ok((await last.boundingBox()).width > 150, "the innermost call can be read");
  });
});

await check("contracts that are gone, or never were", async () => {
  const flash = await act("flash", [], 500_000n);
  const { args } = decodeEventLog({ abi, topics: flash.logs[0].topics, data: flash.logs[0].data });
  assert.equal(await rpc("eth_getCode", args.gone, "latest"), "0x");
  await looks("destroyed", `/address/${args.gone}`, async (p) => {
    const facts = p.locator('[data-testid="address-facts"]');
    await p.locator(".title .badge", { hasText: "destroyed" }).waitFor();
    await facts.locator("dt", { hasText: "Destroyed" }).waitFor();
    await facts.locator(`a[href$="/address/${extremes.toLowerCase()}"]`).waitFor();
    await facts.locator(`a[href$="/tx/${flash.transactionHash}"]`).waitFor();
    await p.locator('[data-testid="address-transactions"] .empty').waitFor();
    assert.equal(await p.getByTestId("tab-contract").count(), 0);
    assert.equal(await facts.locator("dt", { hasText: "Permissions" }).count(), 0, "nobody has the key of a contract that is gone");
  });
  assert.equal((await rpc("index_contractCreator", args.gone)).destroyed, true);
  assert.equal((await rpc("index_contractCreator", extremes)).destroyed, false);
  assert.equal(await rpc("ots_getContractCreator", args.gone), null);
  await looks("destroying", `/tx/${flash.transactionHash}?part=calls`, (p) => p.locator('[data-testid="tx-calls"] .badge', { hasText: "SELFDESTRUCT" }).waitFor());
  const refused = await mined(await wallet.deployContract({ ...compile("solidity/Extremes.sol", "Refuses"), gas: 500_000n }));
  assert.equal(refused.status, "reverted");
  await looks("refused", `/tx/${refused.transactionHash}`, async (p) => {
    await p.locator(".bad-text", { hasText: "not today" }).waitFor();
    await p.locator('[data-testid="tx-facts"]', { hasText: "none was made" }).waitFor();
    await p.locator(".title .badge.ok", { hasText: "verified here" }).waitFor();
    assert.equal(await p.locator('[data-testid="tx-facts"] a', { hasText: refused.contractAddress.slice(2, 8) }).count(), 0);
  });
  await looks("of-refused", `/address/${refused.contractAddress}`, async (p) => {
    await p.locator('[data-testid="address-facts"] dt', { hasText: "Permissions" }).waitFor();
    assert.equal(await p.locator(".title .badge", { hasText: /Contract|destroyed/ }).count(), 0);
  });
});

await check("a token is found by its name behind two hundred others", async () => {
  const coin = (await mined(await wallet.deployContract({ ...compile("solidity/Tokens.sol", "Coin"), gas: 3_000_000n }))).contractAddress.toLowerCase();
  await act("mint", [210n], 16_000_000n);
  const newest = await rpc("index_tokens", { limit: 100 });
  assert.equal(newest.items.length, 100);
  assert.ok(!newest.items.some((x) => x.address.toLowerCase() === coin));
  const p = await page();
  await p.visit("/");
  await p.locator("#search").fill("coin");
  await p.locator("#found .item", { hasText: "Coin" }).click();
  await until("the token is shown", async () => new URL(p.url()).pathname === `/explorer/token/${coin}`);
  await p.done();
});

await check("who reads an older page is left in peace by new blocks", async () => {
  const p = await page(), again = () => wallet.sendTransaction({ to: account.address, value: 1n });
  for (let i = 0; i < 26; i++) await again();
  await mined(await again());
  await p.visit(`/address/${account.address}`);
  const list = p.locator('[data-testid="address-transactions"]'), shown = () => list.locator("tbody td:first-child a").evaluateAll((links) => links.map((a) => a.href));
  await list.getByRole("button", { name: "Next" }).click();
  await list.locator(".pager .num", { hasText: "2" }).waitFor();
  await list.locator(`a[href$="${extremes.toLowerCase()}"]`).first().waitFor();
  const before = await shown();
  // The balance is asked for with each block, in one batch with all that a block renews.
  await Promise.all([p.waitForResponse((r) => r.request().postData()?.includes("eth_getAccountInfo")), again().then(mined)]);
  assert.equal(await list.locator(".pager .num").textContent(), "2");
  assert.deepEqual(await shown(), before);
  await p.done();
});

// A chain of a thousand million blocks is not made here: each of its blocks is one of a
// real node with another number.
await check("a very long chain", async () => {
  const far = 1_234_567_890, real = await rpc("eth_getBlockByNumber", "latest", false);
  const answers = {
    eth_blockNumber: () => "0x" + far.toString(16),
    eth_getBlockByNumber: (number) => (Number(number) > far ? null : { ...real, number }),
  };
  const p = await page();
  await p.route("**/v1/stream*", (route) => route.fulfill({ status: 200, contentType: "text/plain", body: "" }));
  await p.route(origin + "/", (route) => {
    const list = route.request().postDataJSON().map((c) => ({ jsonrpc: "2.0", id: c.id, result: answers[c.method]?.(...c.params) ?? null }));
    return route.fulfill({ status: 200, contentType: "application/json", body: JSON.stringify(list) });
  });
  const spaced = (n) => new RegExp(String(n).replace(/\B(?=(\d{3})+$)/g, "\\s"));
  await p.visit("/blocks");
  await p.locator('[data-testid="blocks"] tbody tr').nth(24).waitFor();
  await p.locator(".title .sub", { hasText: spaced(far + 1) }).waitFor();
  await p.getByTestId("older").click();
  await p.locator('[data-testid="block-link"]', { hasText: String(far - 25) }).waitFor();
  assert.ok(p.url().endsWith(`/blocks?before=${far - 25}`), p.url());
  await p.locator(".pager a", { hasText: "Newer" }).click();
  await p.locator('[data-testid="block-link"]', { hasText: String(far) }).first().waitFor();
  await p.visit("/block/1000000");
  await p.locator("h1", { hasText: spaced(1_000_000) }).waitFor();
  await p.keyboard.press("j");
  await until("the block after", async () => p.url().endsWith("/block/1000001"));
  await p.setViewportSize({ width: 360, height: 780 });
  await p.visit("/");
  await p.locator('[data-testid="tile-head"] strong', { hasText: spaced(far) }).waitFor();
  await fits(p, "the overview of a long chain");
  await p.screenshot({ path: `${network.artefacts}/long-chain-360.png`, fullPage: true });
  await p.done();
});

await browser.close();
process.exit(0);
