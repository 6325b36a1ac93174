// viem 2, as an application uses it.
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain, getContract, http,
  InsufficientFundsError, keccak256, NonceTooLowError, parseEther, size, webSocket,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { compile } from "./compile.mjs";
import { assert, check, CODE_LIMIT, codeOf, fails, finish, network, sent } from "./harness.mjs";

const chain = defineChain({
  id: network.chainId, name: "Quorate", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: network.rpc } },
});
const options = { chain, pollingInterval: 25, cacheTime: 0 };
const [first, second] = network.rpc.map((url) => createPublicClient({ ...options, transport: http(url, { retryCount: 0 }) }));
const account = privateKeyToAccount(network.keys[0]);
const other = privateKeyToAccount(network.keys[1]);
const wallet = createWalletClient({ ...options, account, transport: http(network.rpc[0], { retryCount: 0 }) });
const mined = (hash, client = first) => client.waitForTransactionReceipt({ hash: sent(hash), timeout: 30_000 });
const { abi, bytecode } = compile();
let store;

await check("network", async () => {
  assert.equal(await first.getChainId(), network.chainId);
  assert.equal(await first.getGasPrice(), 0n);
  const fees = await first.estimateFeesPerGas();
  assert.deepEqual(fees, { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n });
  const history = await first.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
  assert.ok(history.baseFeePerGas.every((x) => x === 0n));
});

await check("transfer, read on another node", async () => {
  const to = privateKeyToAccount(generatePrivateKey()).address;
  const receipt = await mined(await wallet.sendTransaction({ to, value: parseEther("2") }));
  assert.equal(receipt.status, "success");
  const same = await second.waitForTransactionReceipt({ hash: receipt.transactionHash, timeout: 30_000 });
  assert.deepEqual(same, receipt);
  assert.equal(await second.getBalance({ address: to }), parseEther("2"));
  assert.equal(await second.getBalance({ address: to, blockNumber: receipt.blockNumber - 1n }), 0n, "old state");
});

for (const type of ["legacy", "eip2930", "eip1559"]) {
  await check(`transaction of type ${type}`, async () => {
    const accessList = type === "eip2930" ? [{ address: other.address, storageKeys: [] }] : undefined;
    const receipt = await mined(await wallet.sendTransaction({ to: other.address, value: 1n, type, accessList }));
    assert.equal(receipt.type, type);
    assert.equal((await first.getTransaction({ hash: receipt.transactionHash })).type, type);
  });
}

await check("deploy", async () => {
  const receipt = await mined(await wallet.deployContract({ abi, bytecode, args: [7n] }));
  assert.equal(receipt.status, "success");
  store = getContract({ address: receipt.contractAddress, abi, client: { public: first, wallet } });
  assert.equal(await store.read.value(), 7n);
});

await check("write, call on another node and at an old block", async () => {
  const blockNumber = await first.getBlockNumber();
  const gas = await store.estimateGas.store([42n, "the answer"]);
  const receipt = await mined(await store.write.store([42n, "the answer"], { gas }), second);
  assert.equal(receipt.status, "success");
  const read = { address: store.address, abi, functionName: "value" };
  assert.equal(await second.readContract(read), 42n);
  assert.equal(await second.readContract({ ...read, blockNumber }), 7n);
  assert.equal(BigInt(await second.getStorageAt({ address: store.address, slot: "0x0" })), 42n);
});

await check("logs by range, by argument, by block", async () => {
  const at = { address: store.address, abi, eventName: "Stored" };
  const all = await first.getContractEvents({ ...at, fromBlock: 0n });
  assert.deepEqual(all.map((l) => l.args.note), ["born", "the answer"]);
  const one = await first.getContractEvents({ ...at, args: { value: [42n, 99n] }, fromBlock: 0n });
  assert.equal(one.length, 1);
  const byHash = await first.getLogs({ blockHash: one[0].blockHash });
  assert.equal(byHash.length, 1);
  assert.equal(byHash[0].removed, false);
});

const reverted = (e) => e.walk((x) => x instanceof ContractFunctionRevertedError);

await check("revert with a reason", async () => {
  const e = await fails(store.read.refuse());
  assert.equal(reverted(e).reason, "refused: it always is");
});

await check("custom errors", async () => {
  const large = await fails(store.simulate.store([2_000_000n, "no"], { account }));
  assert.equal(reverted(large).data.errorName, "TooLarge");
  assert.deepEqual(reverted(large).data.args, [2_000_000n, 1_000_000n]);
  const stranger = await fails(store.read.ownerOnly({ account: other.address }));
  assert.equal(reverted(stranger).data.errorName, "NotOwner");
});

await check("reverted in a block", async () => {
  const receipt = await mined(await store.write.store([2_000_000n, "no"], { gas: 100_000n }));
  assert.equal(receipt.status, "reverted");
});

await check("nonce too low", async () => {
  const e = await fails(wallet.sendTransaction({ to: other.address, nonce: 0, gas: 21000n }));
  assert.ok(e instanceof BaseError && e.walk((x) => x instanceof NonceTooLowError), e.message);
});

await check("already known", async () => {
  const nonce = await first.getTransactionCount({ address: account.address, blockTag: "pending" });
  const sign = (nonce) => account.signTransaction({ type: "eip1559", chainId: network.chainId, nonce, to: other.address, gas: 21000n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n });
  const later = await sign(nonce + 1);
  const hash = await first.sendRawTransaction({ serializedTransaction: later });
  assert.match((await fails(first.sendRawTransaction({ serializedTransaction: later }))).message, /already known/);
  await mined(await first.sendRawTransaction({ serializedTransaction: await sign(nonce) }));
  assert.equal((await mined(hash)).status, "success");
});

await check("insufficient funds", async () => {
  const poor = privateKeyToAccount(generatePrivateKey());
  const e = await fails(wallet.sendTransaction({ account: poor, to: other.address, value: 1n }));
  assert.ok(e.walk((x) => x instanceof InsufficientFundsError), e.message);
});

await check("contract of the largest size", async () => {
  const receipt = await mined(await wallet.deployContract({ abi: [], bytecode: codeOf(CODE_LIMIT) }));
  assert.equal(receipt.status, "success");
  assert.equal(size(await first.getCode({ address: receipt.contractAddress })), CODE_LIMIT);
  const refused = await mined(await wallet.sendTransaction({ data: codeOf(CODE_LIMIT + 1), gas: 10_000_000n }));
  assert.equal(refused.status, "reverted");
});

await check("heads and events over WebSocket", async () => {
  const live = createPublicClient({ chain, transport: webSocket(network.ws[3], { reconnect: false }) });
  const heads = [], notes = [];
  let failed;
  const stopHeads = live.watchBlocks({ onBlock: (b) => heads.push(b), onError: (e) => (failed = e) });
  const stopEvents = live.watchContractEvent({
    address: store.address, abi, eventName: "Stored", onLogs: (logs) => notes.push(...logs.map((l) => l.args.note)), onError: (e) => (failed = e),
  });
  // The subscriptions are asked for in the background: send until heard of.
  let receipt;
  for (let tries = 0; heads.length === 0 || notes.length === 0; tries++) {
    assert.ok(tries < 50 && !failed, `${heads.length} heads, ${notes.length} events, ${failed}`);
    receipt = await mined(await store.write.store([BigInt(tries), "live"]));
    await new Promise((r) => setTimeout(r, 100));
  }
  stopHeads();
  stopEvents();
  assert.equal(notes[0], "live");
  assert.ok(heads[0].number <= receipt.blockNumber);
  const block = await first.getBlock({ blockNumber: heads[0].number });
  assert.equal(heads[0].hash, block.hash);
  assert.equal((await live.getBlock({ blockTag: "finalized" })).number, await live.getBlockNumber());
});

await check("the header's RLP hashes to the block hash", async () => {
  const head = await first.getBlock();
  const proof = await first.request({ method: "pbft_commitCertificate", params: [`0x${head.number.toString(16)}`] });
  assert.equal(keccak256(proof.header), head.hash);
});

finish();
