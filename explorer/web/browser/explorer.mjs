// The explorer of a real node in a real browser. Run by e2e/explorer_test.go.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createPublicClient, createWalletClient, defineChain, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { compile } from "../../../e2e/clients/compile.mjs";
import { flip, lie } from "./proxy.mjs";
import { accessible, assert, browser, check, fits, network, origin, page, rpc, until } from "./world.mjs";

const chain = defineChain({ id: network.chainId, name: "devnet", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: { default: { http: [origin] } } });
const account = privateKeyToAccount(network.keys[0]);
const client = createPublicClient({ chain, transport: http(), pollingInterval: 50 });
const wallet = createWalletClient({ account, chain, transport: http() });
const stranger = "0x00000000000000000000000000000000000f1e2d";

const mined = async (hash) => client.waitForTransactionReceipt({ hash });
const pay = (value = 1n) => wallet.sendTransaction({ to: stranger, value });

const { abi, bytecode } = compile("solidity/Hostile.sol", "Hostile");
const deployed = await mined(await wallet.deployContract({ abi, bytecode, args: [] }));
const token = deployed.contractAddress;
const twice = await mined(await wallet.writeContract({ address: token, abi, functionName: "twice", args: [stranger, 150n] }));
const poor = await mined(await wallet.sendTransaction({ to: token, gas: 200_000n, data: "0xa9059cbb" + stranger.slice(2).padStart(64, "0") + "ff".padStart(64, "f") }));
const paid = await mined(await pay());

const pages = {
  overview: ["/", '[data-testid="heat"] rect'],
  blocks: ["/blocks", '[data-testid="blocks"] tbody tr'],
  block: [`/block/${twice.blockNumber}`, '[data-testid="verified"][data-ok="true"]'],
  "block-0": ["/block/0", '[data-testid="block-facts"] dd'],
  transaction: [`/tx/${twice.transactionHash}`, '[data-testid="tx-facts"] dd'],
  logs: [`/tx/${twice.transactionHash}?part=logs`, '[data-testid="tx-logs"] li'],
  calls: [`/tx/${twice.transactionHash}?part=calls`, '[data-testid="tx-calls"] li li'],
  proof: [`/tx/${twice.transactionHash}?part=proof`, '[data-testid="verified"][data-ok="true"]'],
  reverted: [`/tx/${poor.transactionHash}`, ".bad-text"],
  address: [`/address/${account.address}`, '[data-testid="address-transactions"] tbody tr'],
  contract: [`/address/${token}?part=contract`, '[data-testid="abi"]'],
  system: ["/address/0x71756f7261746500000000000000000000000002?part=contract", '[data-testid="contract-read"] details'],
  tokens: ["/tokens", '[data-testid="tokens"] tbody tr'],
  token: [`/token/${token}`, '[data-testid="transfers"] tbody tr'],
  holders: [`/token/${token}?part=holders`, '[data-testid="holders"] tbody tr'],
  validators: ["/validators", '[data-testid="validators"] tbody tr'],
  pbft: ["/pbft", '[data-testid="diagram"] .arrow'],
  statistics: ["/statistics", '[data-testid="days"] tbody tr'],
  network: ["/network", '[data-testid="peers"] tbody tr'],
  pool: ["/pool", '[data-testid="pool"]'],
  permissions: ["/permissions", '[data-testid="parameters"] dd'],
  api: ["/api", '[data-testid="api-try"]'],
  nowhere: ["/nowhere", "h1"],
};

// First what is to be seen, in both themes and widths: every page by its deep link.
for (const width of [1440, 360]) {
  for (const colorScheme of ["light", "dark"]) {
    await check(`${width} px, ${colorScheme}`, async () => {
      const p = await page({ viewport: { width, height: width < 500 ? 780 : 900 }, colorScheme });
      for (const [name, [path, shown]] of Object.entries(pages)) {
        await p.visit(path);
        await p.locator(shown).first().waitFor();
        await p.locator('[data-feed="live"]').waitFor();
        await fits(p, name);
        await accessible(p, name);
        await p.screenshot({ path: `${network.artefacts}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      }
      await p.done();
    });
  }
}

await check("ready soon", async () => {
  const p = await page();
  const began = performance.now();
  await p.visit("/");
  await p.waitForFunction(() => /\d/.test(document.querySelector('[data-testid="tile-head"] strong')?.textContent ?? ""));
  const took = performance.now() - began;
  console.log(JSON.stringify({ check: "the overview shows the head", ms: Math.round(took) }));
  await p.done();
});

await check("by click", async () => {
  const p = await page();
  await p.visit("/");
  for (const name of ["Blocks", "Validators", "PBFT", "Tokens", "Pool", "Statistics", "Network", "Permissions", "API", "Overview"]) {
    await p.locator("nav.nav a", { hasText: new RegExp(`^${name}$`) }).click();
    await p.locator("nav.nav a[aria-current]", { hasText: name }).waitFor();
    await p.locator("h1", { hasText: name }).waitFor({ state: "attached" });
  }
  await p.locator('[data-testid="latest-blocks"] a').first().click();
  await p.locator('[data-testid="verified"][data-ok="true"]').waitFor();
  await p.locator('[data-testid="block-transactions"] tbody td[data-label="Hash"] a').first().click();
  await p.locator('[data-testid="tx-facts"]').waitFor();
  await p.getByRole("tab", { name: "Proof" }).click();
  await p.locator('[data-testid="verified"][data-ok="true"]').waitFor();
  await p.goBack();
  await p.locator('[data-testid="verified"][data-ok="true"]').waitFor();
  await p.done();
});

await check("live, without a reload", async () => {
  const p = await page();
  await p.visit("/");
  await p.locator('[data-feed="live"]').waitFor();
  const number = async () => Number((await p.locator('[data-testid="tile-head"] strong').textContent()).replace(/\D/g, ""));
  await until("the head", number);
  await p.evaluate(() => (globalThis.same = true));
  const { blockNumber } = await mined(await pay());
  await until("the new head is shown", async () => (await number()) >= Number(blockNumber));
  await p.locator('[data-testid="latest-blocks"] a', { hasText: new RegExp(`^${blockNumber}$`) }).waitFor();
  await until("its votes are shown", async () => (await p.locator('[data-testid="heat"] rect[data-seen="proposed"]').count()) >= Math.min(8, Number(blockNumber)));
  assert.equal(await p.evaluate(() => globalThis.same), true);
  await p.done();
});

await check("search", async () => {
  const p = await page();
  await p.visit("/");
  for (const [text, leads] of [
    [String(paid.blockNumber), `/block/${paid.blockNumber}`], ["0x" + paid.blockNumber.toString(16), `/block/${paid.blockNumber}`],
    [paid.transactionHash, `/tx/${paid.transactionHash}`], [paid.blockHash, `/block/${paid.blockHash}`],
    [account.address, `/address/${account.address.toLowerCase()}`], ["validator-2", "/address/0x"], ["GLD", `/token/${token.toLowerCase()}`],
  ]) {
    await p.keyboard.press("/");
    await p.locator("#search").fill(text);
    await p.locator("#found .item").first().waitFor();
    await p.keyboard.press("Enter");
    await until(`${text} is found`, async () => new URL(p.url()).pathname.startsWith("/explorer" + leads));
  }
  // Who types on and presses Enter at once means the whole text.
  await p.keyboard.press("/");
  await p.locator("#search").fill(paid.blockNumber.toString().slice(0, -1) || "0");
  await p.locator("#found .item").first().waitFor();
  await p.locator("#search").fill(paid.blockNumber.toString());
  await p.keyboard.press("Enter");
  await until("the whole number is found", async () => p.url().endsWith(`/block/${paid.blockNumber}`));
  await p.locator("#search").fill("nothing like that");
  await p.locator("#found .nothing").waitFor();
  await p.locator("#search").fill(account.address);
  await p.locator("#found .item").first().waitFor();
  await accessible(p, "what a search finds");
  await p.done();
});

await check("hostile names", async () => {
  const p = await page();
  for (const path of ["/tokens", `/token/${token}`, `/token/${token}?part=holders`, `/address/${account.address}?part=transfers`, `/address/${account.address}?part=tokens`, `/tx/${twice.transactionHash}?part=logs`, `/tx/${twice.transactionHash}?part=calls`, `/tx/${poor.transactionHash}`]) {
    await p.visit(path);
    await p.locator(path.startsWith("/tx") ? "main .card" : "text=/GLD|img src=x/").first().waitFor();
    assert.equal(await p.locator("main img, main script, main b b, main svg[onload]").count(), 0, path);
  }
  await p.locator("text=<script>alert('poor')</script>").waitFor();
  await p.visit(`/token/${token}`);
  const name = await p.locator("h1 bdi", { hasText: "<img" }).first().textContent();
  assert.ok(name.startsWith("<img src=x onerror=alert(1)>Gold") && !name.includes("\u202e"), name);
  await p.done();
});

await check("hostile ABI", async () => {
  const p = await page();
  await p.visit(`/address/${token}?part=contract`);
  const nasty = { type: "function", name: "<img src=x onerror=alert(3)>", stateMutability: "view", inputs: [{ name: "<svg onload=alert(4)>", type: "string" }], outputs: [{ name: "", type: "string" }] };
  for (const bad of ["{", '[{"type":"function","name":{}}]', "no abi"]) {
    await p.getByTestId("abi-text").fill(bad);
    await p.getByTestId("abi-keep").click();
    await p.locator('[data-testid="abi"] .failed').waitFor();
  }
  await p.getByTestId("abi-text").fill(JSON.stringify([nasty, ...abi]));
  await p.getByTestId("abi-keep").click();
  await p.locator("details.method", { hasText: "<img src=x" }).first().waitFor();
  assert.equal(await p.locator("main img").count(), 0);
  const echo = p.locator("details.method", { hasText: "echo" }).first();
  await echo.locator("summary").click();
  await echo.locator("input").fill("<script>alert(5)</script>");
  await echo.getByRole("button", { name: "Read" }).click();
  await echo.locator("text=<script>alert(5)</script>").waitFor();
  await p.reload();
  await p.locator("details.method", { hasText: "echo" }).first().waitFor(); // kept in this browser
  await p.done();
});

await check("a wallet signs", async () => {
  const p = await page();
  await p.exposeFunction("nodeCall", (method, params) => rpc(method, ...params));
  await p.exposeFunction("sign", (to, data) => wallet.sendTransaction({ to, data }));
  await p.addInitScript((chainId) => {
    const provider = { request: async ({ method, params }) => (method === "eth_requestAccounts" ? ["0x0000000000000000000000000000000000000001"] : method === "eth_chainId" ? "0x" + chainId.toString(16) : globalThis.sign(params[0].to, params[0].data)) };
    const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info: { uuid: "1", name: "<i>Purse</i>", rdns: "example.purse" }, provider }) }));
    addEventListener("eip6963:requestProvider", announce);
  }, network.chainId);
  await p.visit(`/address/${token}?part=contract`);
  await p.getByTestId("abi-text").fill(JSON.stringify(abi));
  await p.getByTestId("abi-keep").click();
  const transfer = p.locator('[data-testid="contract-write"] details', { hasText: "transfer" }).first();
  await transfer.locator("summary").click();
  await transfer.locator("input").nth(0).fill(stranger);
  await transfer.locator("input").nth(1).fill("7");
  await transfer.getByRole("button", { name: "Send with a wallet" }).click();
  await transfer.getByRole("button", { name: "<i>Purse</i>" }).click();
  await transfer.locator(".result a").click();
  await p.locator('[data-testid="tx-facts"]').waitFor();
  await p.locator(".badge", { hasText: "success" }).waitFor();
  await p.done();
});

await check("files", async () => {
  const p = await page();
  await p.visit("/blocks");
  await p.locator('[data-testid="blocks"] tbody tr').first().waitFor();
  const saved = async (click) => {
    const [download] = await Promise.all([p.waitForEvent("download"), click()]);
    return { name: download.suggestedFilename(), path: await download.path() };
  };
  const csv = await saved(() => p.getByRole("button", { name: "CSV" }).click());
  assert.equal(csv.name, "blocks.csv");
  assert.match(readFileSync(csv.path, "utf8"), /^number,hash,time,transactions,gasUsed,gasLimit,size,stateRoot\r\n\d+,0x[0-9a-f]{64},/);
  await p.visit(`/tx/${twice.transactionHash}?part=proof`);
  const proof = await saved(() => p.getByTestId("proof-download").click());
  const verdict = JSON.parse(execFileSync(network.quorate, ["verify", proof.path, "--genesis", network.genesis, "--json"], { encoding: "utf8" }));
  assert.equal(verdict.valid, true);
  assert.equal(verdict.transactionHash, twice.transactionHash);
  await p.done();
});

await check("texts, times and keys", async () => {
  const p = await page();
  await p.visit("/validators");
  await p.getByTestId("settings").click();
  await p.getByTestId("choose-zh").check();
  await p.locator("h1", { hasText: "验证者" }).waitFor();
  assert.equal(await p.evaluate(() => document.documentElement.lang), "zh-CN");
  await p.screenshot({ path: `${network.artefacts}/validators-1440-zh.png`, fullPage: true });
  await p.reload();
  await p.locator("h1", { hasText: "验证者" }).waitFor();
  await p.getByTestId("settings").click();
  await p.getByTestId("choose-en").check();
  await p.getByTestId("choose-dark").check();
  assert.equal(await p.evaluate(() => document.documentElement.dataset.theme), "dark");
  await p.keyboard.press("Escape");
  await p.locator("main").click({ position: { x: 5, y: 5 } });
  await p.keyboard.press("?");
  await p.locator("dialog.shortcuts").waitFor();
  await accessible(p, "the list of keys");
  await p.keyboard.press("Escape");
  await p.keyboard.press("g");
  await p.keyboard.press("n");
  await p.locator("h1", { hasText: "Network" }).waitFor();
  await p.visit(`/block/${paid.blockNumber}`);
  await p.locator("h1", { hasText: String(paid.blockNumber) }).waitFor();
  await p.keyboard.press("k");
  await until("the block before", async () => p.url().endsWith(`/block/${paid.blockNumber - 1n}`));
  await p.done();
});

await check("the playground calls", async () => {
  const p = await page();
  await p.visit("/api?method=eth_getBalance");
  await p.getByTestId("api-params").fill(JSON.stringify([stranger, "latest"]));
  await p.getByTestId("api-send").click();
  await p.locator('[data-testid="api-answer"]', { hasText: /"0x[1-9a-f]/ }).waitFor();
  await p.getByTestId("api-params").fill("{}");
  await p.getByTestId("api-send").click();
  await p.locator('[data-testid="api-answer"]', { hasText: "JSON list" }).waitFor();
  await p.done();
});

const lies = [
  ["a signature", "block", "signatures", (m, r) => m === "pbft_commitCertificate" && (r.signatures[1] = flip(r.signatures[1]))],
  ["the header", "block", "header", (m, r) => m === "pbft_commitCertificate" && (r.header = flip(r.header))],
  ["the signers", "block", "signatures", (m, r) => m === "pbft_commitCertificate" && (r.signers = "0x" + (parseInt(r.signers, 16) ^ 1).toString(16).padStart(2, "0"))],
  ["the batch", "block", "batch", (m, r) => m === "pbft_commitCertificate" && (r.batchHeader = flip(r.batchHeader))],
  ["what is shown", "block", "shown", (m, r) => m === "eth_getBlockByNumber" && r.number === "0x" + paid.blockNumber.toString(16) && (r.stateRoot = flip(r.stateRoot))],
  ["the genesis", "block", "genesis", (m, r) => m === "pbft_genesis" && (r.document = r.document.replace(/\d(?=[^\d]*$)/, (d) => String((Number(d) + 1) % 10)))],
  ["the transaction", "tx", "transaction", (m, r) => m === "pbft_finalityProof" && (r.transaction = flip(r.transaction))],
  ["the result", "tx", "receipt", (m, r) => m === "pbft_finalityProof" && (r.receipt = flip(r.receipt))],
  ["the number of the block", "tx", "shown", (m, r) => m === "eth_getTransactionReceipt" && (r.blockNumber = "0x1")],
  ["the price", "tx", "shown", (m, r) => m === "eth_getTransactionReceipt" && (r.effectiveGasPrice = "0x1")],
  ["the value", "tx", "shown", (m, r) => m === "eth_getTransactionByHash" && r.hash === paid.transactionHash && (r.value = "0xde0b6b3a7640000")],
];
for (const [what, kind, step, change] of lies) {
  await check(`a node that changes ${what}`, async () => {
    const liar = await lie(origin, change);
    const p = await page({ own: liar.url });
    await p.visit(kind === "block" ? `/block/${paid.blockNumber}` : `/tx/${paid.transactionHash}?part=proof`);
    await p.locator('[data-testid="verified"][data-ok="false"]').waitFor();
    assert.equal(await p.locator('[data-testid="verified"] li[data-ok="false"]').getAttribute("data-step"), step);
    if (what === "a signature") await p.screenshot({ path: `${network.artefacts}/tampered-1440.png`, fullPage: true });
    await p.done();
    liar.close();
  });
}

await check("a node that answers something else than was asked for", async () => {
  const other = await rpc("eth_getBlockByNumber", "0x1", false);
  const liar = await lie(origin, (m, r) => (m === "eth_getBlockByNumber" || m === "eth_getBlockByHash") && Object.assign(r, other));
  const p = await page({ own: liar.url });
  for (const id of [paid.blockNumber, paid.blockHash]) {
    await p.visit(`/block/${id}`);
    await p.locator(".failed", { hasText: "something else" }).waitFor();
  }
  await p.done();
  liar.close();
});

await check("by days", async () => {
  const p = await page();
  await p.visit("/");
  await p.getByRole("link", { name: "By days" }).click();
  const today = new Date().toISOString().slice(0, 10), sums = await rpc("index_daily", today, today);
  await p.locator('[data-testid="days"] tbody tr', { hasText: today }).locator("td", { hasText: new RegExp(`^${Number(sums[0].transfers)}$`) }).first().waitFor();
  await p.locator('[data-testid="days-chart"] canvas').waitFor();
  assert.match(await p.locator('[data-testid="days-chart"] .chart').getAttribute("aria-label"), new RegExp(`^Transactions per day\\. .* in 30 days; most on ${today}`));
  await p.getByRole("tab", { name: "Transactions" }).press("ArrowRight");
  await p.getByTestId("days-90").click();
  await until("both are part of the address", async () => p.url().endsWith("?of=blocks&days=90"));
  await p.reload();
  await p.locator('[data-testid="days-chart"] h2', { hasText: "Blocks per day" }).waitFor();
  await p.done();
});

await check("a path that is no text", async () => {
  const p = await page();
  await p.goto(origin + "/explorer/%FF");
  await p.locator("h1", { hasText: "no such page" }).waitFor();
  await p.done();
});

await check("another genesis than the trusted one", async () => {
  const p = await page();
  await p.visit("/network");
  await p.locator('[data-testid="genesis"] input').fill("0x" + "ab".repeat(32));
  await p.getByRole("button", { name: "Trust it" }).click();
  await p.locator('[data-testid="genesis"] .badge.bad').waitFor();
  await p.visit(`/block/${paid.blockNumber}`);
  await p.locator('[data-testid="verified"] li[data-step="genesis"][data-ok="false"]').waitFor();
  await p.done();
});

await check("a killed primary", async () => {
  const p = await page();
  await p.visit("/pbft");
  await p.locator('[data-testid="diagram"]').waitFor();
  const before = (await rpc("pbft_viewChanges")).length;
  // The next primary that is not the node that is watched.
  const victim = await until("another primary", async () => {
    await mined(await pay());
    const s = await rpc("pbft_status");
    const i = network.addresses.indexOf(s.primary);
    return i > 0 ? i : undefined;
  });
  process.kill(network.pids[victim], "SIGKILL");
  await pay();
  await p.locator('[data-testid="view-changes"] tbody tr').nth(before).waitFor({ timeout: 60_000 });
  await p.locator('[data-testid="rare"] .badge', { hasText: "VIEW-CHANGE" }).first().waitFor();
  await p.locator('[data-testid="replicas"] tr', { hasText: network.names[victim] }).locator(".badge.bad").waitFor();
  await mined(await pay());
  await p.locator('[data-testid="diagram"] .lane.off .lane-name').waitFor();
  await p.screenshot({ path: `${network.artefacts}/viewchange-1440.png`, fullPage: true });
  await p.setViewportSize({ width: 360, height: 780 });
  await fits(p, "PBFT after a view change");
  await p.screenshot({ path: `${network.artefacts}/viewchange-360.png`, fullPage: true });
  await p.done();
});

await browser.close();
process.exit(0);
