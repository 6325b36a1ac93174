// web3 4, as an application uses it.
import { Web3 } from "web3";
import { compile } from "./compile.mjs";
import { assert, check, CODE_LIMIT, codeOf, fails, finish, network, sent } from "./harness.mjs";

const accounts = (url) => {
  const web3 = new Web3(url);
  // web3 asks for receipts once a second, and goes on for 24 blocks after one.
  web3.setConfig({ transactionReceiptPollingInterval: 25, transactionPollingInterval: 25, transactionConfirmationBlocks: 1 });
  for (const key of network.keys) web3.eth.accounts.wallet.add(key);
  return web3;
};
const [first, second, third] = network.rpc.map(accounts);
const [from, to] = network.keys.map((key) => first.eth.accounts.privateKeyToAccount(key).address);
const { abi, bytecode } = compile();
let store, born;

// mined waits for the receipt of what is sent.
const mined = (sending) => sending.on("transactionHash", sent);
// elsewhere waits until a node has the receipt of what another one was sent.
const elsewhere = async (web3, hash) => {
  for (let tries = 0; ; tries++) {
    const receipt = await web3.eth.getTransactionReceipt(hash).catch((e) => assert.match(e.message, /not found/i));
    if (receipt) return receipt;
    assert.ok(tries < 1000, `no receipt of ${hash}`);
    await new Promise((r) => setTimeout(r, 25));
  }
};
const at = (web3) => new web3.eth.Contract(abi, store.options.address, web3);

await check("network", async () => {
  assert.equal(await first.eth.getChainId(), BigInt(network.chainId));
  assert.equal(await first.eth.net.getId(), BigInt(network.chainId));
  assert.match(await first.eth.getNodeInfo(), /quorate/i);
  assert.equal(await first.eth.isSyncing(), false);
});

await check("fees are zero", async () => {
  assert.equal(await first.eth.getGasPrice(), 0n);
  assert.equal(await first.eth.getMaxPriorityFeePerGas(), 0n);
  const fees = await first.eth.calculateFeeData();
  assert.equal(fees.baseFeePerGas, 0n);
  const history = await first.eth.getFeeHistory(4, "latest", [50]);
  assert.ok(history.baseFeePerGas.every((x) => x === 0n));
});

await check("transfer, read on another node", async () => {
  const fresh = first.eth.accounts.create().address;
  const receipt = await mined(first.eth.sendTransaction({ from, to: fresh, value: first.utils.toWei("1.5", "ether") }));
  assert.equal(receipt.status, 1n);
  assert.equal(receipt.gasUsed, 21000n);
  await elsewhere(second, receipt.transactionHash);
  assert.equal(await second.eth.getBalance(fresh), 1_500_000_000_000_000_000n);
  assert.equal(await second.eth.getBalance(fresh, receipt.blockNumber - 1n), 0n, "old state");
  assert.equal(await second.eth.getBalance(fresh, "finalized"), 1_500_000_000_000_000_000n);
});

for (const [type, fields, gas] of [
  ["0x0", { gasPrice: 0 }, 21000n],
  ["0x1", { gasPrice: 0, accessList: [{ address: to, storageKeys: ["0x" + "0".repeat(64)] }] }, 25300n],
  ["0x2", { maxFeePerGas: 0, maxPriorityFeePerGas: 0 }, 21000n],
]) {
  await check(`transaction of type ${type}`, async () => {
    const receipt = await mined(first.eth.sendTransaction({ from, to, value: 1, gas: 30_000, type, ...fields })); // web3 tries simple transfers with 21,000
    assert.equal(receipt.type, BigInt(type));
    assert.equal(receipt.gasUsed, gas);
    await elsewhere(third, receipt.transactionHash);
    const tx = await third.eth.getTransaction(receipt.transactionHash);
    assert.equal(tx.type, BigInt(type));
    assert.equal(tx.from, from.toLowerCase());
  });
}

await check("deploy", async () => {
  const contract = new first.eth.Contract(abi, first);
  store = await mined(contract.deploy({ data: bytecode, arguments: [7] }).send({ from }).on("receipt", (r) => (born = r.blockNumber)));
  assert.equal(await store.methods.value().call(), 7n);
  assert.equal(await store.methods.owner().call(), from);
});

await check("call on another node, and at an old block", async () => {
  const receipt = await mined(store.methods.store(42, "the answer").send({ from }));
  await elsewhere(second, receipt.transactionHash);
  const there = at(second);
  assert.equal(await there.methods.value().call(), 42n);
  assert.equal(await there.methods.value().call({}, born), 7n);
  assert.equal(await there.methods.writes(from).call(), 1n);
  assert.equal(BigInt(await second.eth.getStorageAt(store.options.address, 0, born)), 7n);
});

await check("events: receipt, filter, range", async () => {
  const receipt = await mined(store.methods.store(43, "noted").send({ from }));
  assert.equal(receipt.events.Stored.returnValues.note, "noted");
  await elsewhere(second, receipt.transactionHash);
  const there = at(second);
  const all = await there.getPastEvents("Stored", { fromBlock: 0, toBlock: "latest" });
  assert.deepEqual(all.map((e) => e.returnValues.note), ["born", "the answer", "noted"]);
  const one = await there.getPastEvents("Stored", { fromBlock: 0, filter: { value: 42 } });
  assert.deepEqual(one.map((e) => e.returnValues.value), [42n]);
  assert.equal((await there.getPastEvents("Stored", { fromBlock: 0, filter: { by: to } })).length, 0);
  const logs = await second.eth.getPastLogs({ blockHash: receipt.blockHash, address: store.options.address });
  assert.equal(logs.length, 1);
});

await check("estimateGas", async () => {
  assert.equal(await first.eth.estimateGas({ from, to, value: 1 }), 21000n);
  const gas = await store.methods.store(44, "x").estimateGas({ from });
  const receipt = await mined(store.methods.store(44, "x").send({ from, gas }));
  assert.equal(receipt.status, 1n);
});

await check("revert with a reason", async () => {
  const e = await fails(store.methods.refuse().call());
  assert.match(e.cause?.message ?? e.message, /refused: it always is/);
  const sending = await fails(first.eth.sendTransaction({ from, to: store.options.address, data: store.methods.refuse().encodeABI(), gas: 100_000 }));
  assert.match(sending.reason ?? sending.message, /refused: it always is/);
});

await check("custom errors", async () => {
  const large = await fails(store.methods.store(2_000_000, "no").call({ from }));
  assert.equal(large.cause.errorName, "TooLarge");
  assert.deepEqual([large.cause.errorArgs.given, large.cause.errorArgs.limit], [2_000_000n, 1_000_000n]);
  const stranger = await fails(store.methods.ownerOnly().call({ from: to }));
  assert.equal(stranger.cause.errorName, "NotOwner");
  assert.equal(stranger.cause.errorArgs.caller, to);
});

await check("reverted in a block", async () => {
  const e = await fails(mined(store.methods.store(2_000_000, "no").send({ from, gas: 100_000 })));
  assert.equal(e.receipt.status, 0n);
  assert.equal(e.receipt.logs.length, 0);
});

await check("nonce too low", async () => {
  const e = await fails(first.eth.sendTransaction({ from, to, value: 1, nonce: 0, gas: 21000 }));
  assert.match(e.innerError?.message ?? e.cause?.message ?? e.message, /nonce too low/);
});

await check("already known, and a gap that closes", async () => {
  const nonce = await first.eth.getTransactionCount(from, "pending");
  const common = { from, to, value: 1, gas: 21000, chainId: network.chainId, maxFeePerGas: 0, maxPriorityFeePerGas: 0, type: 2 };
  const later = await first.eth.accounts.signTransaction({ ...common, nonce: nonce + 1n }, network.keys[0]);
  const send = () => first.provider.request({ jsonrpc: "2.0", id: 1, method: "eth_sendRawTransaction", params: [later.rawTransaction] });
  sent((await send()).result);
  const again = await send().catch((e) => e);
  assert.match(again.error?.message ?? again.message, /already known/);
  await mined(first.eth.sendTransaction({ ...common, nonce }));
  assert.equal((await elsewhere(first, later.transactionHash)).status, 1n);
});

await check("insufficient funds", async () => {
  const poor = first.eth.accounts.create();
  const tx = await first.eth.accounts.signTransaction({ to, value: 1, gas: 21000, nonce: 0, chainId: network.chainId, gasPrice: 0 }, poor.privateKey);
  const e = await fails(first.eth.sendSignedTransaction(tx.rawTransaction, undefined, { checkRevertBeforeSending: false }));
  assert.match(e.innerError?.message ?? e.cause?.message ?? e.message, /insufficient funds/);
});

await check("contract of the largest size", async () => {
  const receipt = await mined(first.eth.sendTransaction({ from, data: codeOf(CODE_LIMIT), gas: 10_000_000 }));
  assert.equal(receipt.status, 1n);
  await elsewhere(second, receipt.transactionHash);
  assert.equal((await second.eth.getCode(receipt.contractAddress)).length, 2 + 2 * CODE_LIMIT);
});

await check("a batch of requests", async () => {
  const batch = new first.BatchRequest();
  const number = batch.add({ method: "eth_blockNumber", params: [] });
  const balance = batch.add({ method: "eth_getBalance", params: [to, "latest"] });
  const block = batch.add({ method: "eth_getBlockByNumber", params: ["0x0", false] });
  await batch.execute();
  assert.ok(BigInt(await number) > born);
  assert.equal(BigInt(await balance), await first.eth.getBalance(to));
  assert.equal((await block).number, "0x0");
});

await check("heads and events over WebSocket", async () => {
  const live = accounts(network.ws[2]); // lives until the script ends
  const heads = await live.eth.subscribe("newBlockHeaders");
  const events = at(live).events.Stored({ filter: { by: from } });
  const head = new Promise((resolve) => heads.once("data", resolve));
  const event = new Promise((resolve) => events.once("data", resolve));
  // The second subscription is asked for in the background: send until heard of.
  let receipt;
  for (let heard = false; !heard; ) {
    receipt = await mined(store.methods.store(45, "live").send({ from }));
    heard = await Promise.race([Promise.all([head, event]).then(() => true), new Promise((r) => setTimeout(r, 200, false))]);
  }
  assert.ok((await head).number <= receipt.blockNumber);
  assert.equal((await head).hash, (await first.eth.getBlock((await head).number)).hash);
  assert.deepEqual([(await event).returnValues.value, (await event).returnValues.note], [45n, "live"]);
});

finish();
