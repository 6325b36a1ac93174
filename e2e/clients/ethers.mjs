// ethers 6, as an application uses it.
import { ethers } from "ethers";
import { compile } from "./compile.mjs";
import { assert, check, CODE_LIMIT, codeOf, fails, finish, network, sent, within } from "./harness.mjs";

const provider = (url) => {
  // ethers answers from its cache for 250 ms by default: ten blocks here.
  const p = new ethers.JsonRpcProvider(url, undefined, { cacheTimeout: -1 });
  p.pollingInterval = 25;
  return p;
};
const [first, second, third] = network.rpc.map(provider);
const key = network.keys[0];
const wallet = new ethers.Wallet(key, first);
const other = new ethers.Wallet(network.keys[1], second);
const mined = async (tx) => {
  sent(tx.hash);
  return tx.wait();
};
// seen waits until a node has a receipt. ethers' waitForTransaction looks once, and
// then at every new block after its first poll: the block that comes in between is
// missed, and on an idle chain it is the last one.
const seen = (p, hash) => within(30_000, `receipt of ${hash}`, (async () => {
  for (;;) {
    const receipt = await p.getTransactionReceipt(hash);
    if (receipt) return receipt;
    await new Promise((next) => setTimeout(next, p.pollingInterval));
  }
})());
const { abi, bytecode } = compile();
let store;

await check("network", async () => {
  assert.equal((await first.getNetwork()).chainId, BigInt(network.chainId));
});

await check("fees are zero", async () => {
  const fees = await first.getFeeData();
  assert.equal(fees.gasPrice, 0n);
  assert.equal(fees.maxFeePerGas, null, "ethers takes a base fee of zero for none, and sends legacy transactions");
  const history = await first.send("eth_feeHistory", ["0x4", "latest", [50]]);
  assert.ok(history.baseFeePerGas.every((x) => x === "0x0"), JSON.stringify(history));
});

await check("transfer, read on another node", async () => {
  const to = ethers.Wallet.createRandom().address;
  const receipt = await mined(await wallet.sendTransaction({ to, value: ethers.parseEther("1.5") }));
  assert.equal(receipt.status, 1);
  assert.equal(receipt.gasUsed, 21000n);
  await seen(second, receipt.hash);
  assert.equal(await second.getBalance(to), ethers.parseEther("1.5"));
  assert.equal(await second.getBalance(to, receipt.blockNumber - 1), 0n, "old state");
  assert.equal(await second.getBalance(to, "finalized"), ethers.parseEther("1.5"));
});

for (const type of [0, 1, 2]) {
  await check(`transaction of type ${type}`, async () => {
    const accessList = type === 1 ? [{ address: other.address, storageKeys: [ethers.ZeroHash] }] : undefined;
    const receipt = await mined(await wallet.sendTransaction({ to: other.address, value: 1n, type, accessList }));
    assert.equal(receipt.type, type);
    const tx = await seen(third, receipt.hash).then(() => third.getTransaction(receipt.hash));
    assert.equal(tx.type, type);
    assert.equal(tx.from, wallet.address);
    assert.equal(receipt.gasUsed, type === 1 ? 25300n : 21000n);
  });
}

await check("deploy", async () => {
  const factory = new ethers.ContractFactory(abi, bytecode, wallet);
  store = await factory.deploy(7);
  const receipt = await mined(store.deploymentTransaction());
  assert.equal(receipt.contractAddress, await store.getAddress());
  assert.equal(await store.value(), 7n);
  assert.equal(await store.owner(), wallet.address);
});

await check("call on another node, and at an old block", async () => {
  const before = await first.getBlockNumber();
  const receipt = await mined(await store.store(42, "the answer"));
  await seen(second, receipt.hash);
  const elsewhere = store.connect(second);
  assert.equal(await elsewhere.value(), 42n);
  assert.equal(await elsewhere.value({ blockTag: before }), 7n);
  assert.equal(await elsewhere.writes(wallet.address), 1n);
});

await check("events: receipt, filter, range", async () => {
  const receipt = await mined(await store.store(43, "noted"));
  assert.equal(receipt.logs.length, 1);
  assert.equal(receipt.logs[0].args.note, "noted");
  const elsewhere = store.connect(second);
  await seen(second, receipt.hash);
  const all = await elsewhere.queryFilter("Stored", 0, "latest");
  assert.deepEqual(all.map((e) => e.args.note), ["born", "the answer", "noted"]);
  const one = await elsewhere.queryFilter(elsewhere.filters.Stored(null, 42));
  assert.deepEqual(one.map((e) => e.args.value), [42n]);
  const none = await elsewhere.queryFilter(elsewhere.filters.Stored(other.address));
  assert.equal(none.length, 0);
  const byHash = await second.getLogs({ blockHash: receipt.blockHash, address: await store.getAddress() });
  assert.equal(byHash.length, 1);
});

await check("estimateGas", async () => {
  assert.equal(await first.estimateGas({ from: wallet.address, to: other.address, value: 1n }), 21000n);
  const gas = await store.store.estimateGas(44, "x");
  const receipt = await mined(await store.store(44, "x", { gasLimit: gas }));
  assert.equal(receipt.status, 1);
});

await check("revert with a reason", async () => {
  const e = await fails(store.refuse());
  assert.equal(e.code, "CALL_EXCEPTION");
  assert.equal(e.reason, "refused: it always is");
});

await check("custom errors", async () => {
  const large = await fails(store.store.staticCall(2_000_000, "no"));
  assert.equal(large.revert?.name, "TooLarge");
  assert.deepEqual([...large.revert.args], [2_000_000n, 1_000_000n]);
  const stranger = await fails(store.connect(other).ownerOnly());
  assert.equal(stranger.revert?.name, "NotOwner");
  assert.equal(stranger.revert.args.caller, other.address);
  const sending = await fails(store.store(2_000_000, "no"));
  assert.equal(sending.code, "CALL_EXCEPTION");
});

await check("panic", async () => {
  const e = await fails(store.divide(1, 0));
  assert.equal(e.revert?.name, "Panic");
  assert.equal(BigInt(e.revert.args[0]), 18n);
});

await check("reverted in a block", async () => {
  const tx = await store.store(2_000_000, "no", { gasLimit: 100_000 });
  sent(tx.hash);
  const e = await fails(tx.wait());
  assert.equal(e.receipt.status, 0);
  assert.equal(e.receipt.logs.length, 0);
  assert.ok(e.receipt.gasUsed < 100_000n);
});

await check("out of gas in a block", async () => {
  const tx = await store.forever({ gasLimit: 200_000 });
  sent(tx.hash);
  const e = await fails(tx.wait());
  assert.equal(e.receipt.status, 0);
  assert.equal(e.receipt.gasUsed, 200_000n);
});

await check("nonce too low", async () => {
  const e = await fails(wallet.sendTransaction({ to: other.address, nonce: 0 }));
  assert.equal(e.code, "NONCE_EXPIRED", e.message);
});

await check("already known, and a gap that closes", async () => {
  const nonce = await first.getTransactionCount(wallet.address, "pending");
  const common = { to: other.address, value: 1n, gasLimit: 21000n, chainId: network.chainId, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, type: 2 };
  const later = await wallet.signTransaction({ ...common, nonce: nonce + 1 });
  const hash = sent(await first.send("eth_sendRawTransaction", [later]));
  const again = await fails(first.send("eth_sendRawTransaction", [later]));
  assert.match(again.message, /already known/);
  assert.equal(await first.getTransactionReceipt(hash), null);
  await mined(await wallet.sendTransaction({ ...common, nonce }));
  assert.equal((await seen(first, hash)).status, 1);
});

await check("insufficient funds", async () => {
  const poor = ethers.Wallet.createRandom().connect(first);
  const e = await fails(poor.sendTransaction({ to: other.address, value: 1n, gasLimit: 21000n }));
  assert.equal(e.code, "INSUFFICIENT_FUNDS", e.message);
});

await check("contract of the largest size", async () => {
  const receipt = await mined(await wallet.sendTransaction({ data: codeOf(CODE_LIMIT) }));
  assert.equal(receipt.status, 1);
  await seen(second, receipt.hash);
  assert.equal(ethers.dataLength(await second.getCode(receipt.contractAddress)), CODE_LIMIT);
  const larger = { from: wallet.address, data: codeOf(CODE_LIMIT + 1) };
  const e = await fails(first.send("eth_estimateGas", [larger]));
  assert.match(e.info?.error?.message ?? e.message, /max code size exceeded/);
});

await check("many at once, through two nodes", async () => {
  const nonce = await first.getTransactionCount(wallet.address, "pending");
  const txs = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      wallet.connect([first, second][i % 2]).sendTransaction({ to: other.address, value: 1n, nonce: nonce + i, gasLimit: 21000n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }),
    ),
  );
  const receipts = await Promise.all(txs.map((tx) => mined(tx)));
  assert.ok(receipts.every((r) => r.status === 1));
  assert.equal(await first.getTransactionCount(wallet.address), nonce + 50);
});

await check("heads and events over WebSocket", async () => {
  const ws = new ethers.WebSocketProvider(network.ws[2]); // lives until the script ends
  const block = new Promise((resolve) => ws.on("block", resolve));
  const live = new ethers.Contract(await store.getAddress(), abi, ws);
  const event = new Promise((resolve) => live.on("Stored", (by, value, note) => resolve([by, value, note])));
  // The subscriptions are asked for in the background: send until heard of.
  let receipt;
  for (let heard = false; !heard; ) {
    receipt = await mined(await store.store(45, "live"));
    heard = await Promise.race([Promise.all([block, event]).then(() => true), new Promise((r) => setTimeout(r, 200, false))]);
  }
  assert.ok((await block) <= receipt.blockNumber);
  assert.deepEqual(await event, [wallet.address, 45n, "live"]);
});

await check("the header's RLP hashes to the block hash", async () => {
  const head = await first.getBlock("latest");
  const proof = await first.send("pbft_commitCertificate", [ethers.toQuantity(head.number)]);
  assert.equal(ethers.keccak256(proof.header), head.hash);
  const fields = ethers.decodeRlp(proof.header);
  assert.equal(ethers.keccak256(ethers.encodeRlp(fields)), head.hash);
  assert.equal(fields[3], head.stateRoot);
});

finish();
