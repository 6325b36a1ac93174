// contracts/QuorateFinality.sol on the network itself: what the nodes answer
// convinces a contract that knows nothing but genesis, and nothing else does.
import { Contract, ContractFactory, getBytes, hexlify, JsonRpcProvider, NonceManager, Wallet } from "ethers";
import { compile } from "./compile.mjs";
import { assert, check, fails, finish, network, sent } from "./harness.mjs";

const provider = new JsonRpcProvider(network.rpc[0], network.chainId, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 25 });
const wallet = new NonceManager(new Wallet(network.keys[0], provider));
const { abi, bytecode } = compile("../../contracts/QuorateFinality.sol", "QuorateFinality");

const mined = async (tx) => (sent(tx.hash), tx.wait());
const flipped = (hex) => {
  const bytes = getBytes(hex);
  bytes[bytes.length >> 1] ^= 1;
  return hexlify(bytes);
};
// commit returns the contract's form of a certificate.
const commit = (c) => [c.epoch, c.view, c.seq, c.batchDigest, c.blockHash, c.signers, c.signatures];
// refused returns the name of the contract's error.
const refused = async (promise) => (await fails(promise)).revert?.name;

const set = await provider.send("pbft_validators", []);
const addresses = set.validators.map((v) => v.address);
const genesis = (await provider.getBlock(0)).hash;
let verifier, deployed, certificate;

await check("deploy", async () => {
  const factory = new ContractFactory(abi, bytecode, wallet);
  const contract = await factory.deploy(network.chainId, genesis, addresses, [], 0);
  deployed = await mined(contract.deploymentTransaction());
  verifier = new Contract(deployed.contractAddress, abi, wallet);
  assert.equal(await verifier.quorum(), BigInt(set.quorum));
  assert.deepEqual((await verifier.validatorList()).map((a) => a.toLowerCase()), addresses);
});

await check("validators that are none", async () => {
  for (const list of [[], [...addresses].reverse(), [addresses[0], addresses[0]]]) {
    const factory = new ContractFactory(abi, bytecode, wallet);
    const error = await fails(factory.getDeployTransaction(network.chainId, genesis, list, [], 0).then((tx) => provider.call(tx)));
    assert.match(JSON.stringify(error.info ?? error.message ?? error), /0x[0-9a-f]{8}|revert/i);
  }
});

await check("recovery keys that are none", async () => {
  for (const [keys, threshold] of [[[], 1], [addresses, 2], [addresses, 5], [[...addresses].reverse(), 3], [addresses, 0]]) {
    const factory = new ContractFactory(abi, bytecode, wallet);
    const error = await fails(factory.getDeployTransaction(network.chainId, genesis, addresses, keys, threshold).then((tx) => provider.call(tx)));
    assert.match(JSON.stringify(error.info ?? error.message ?? error), /0x[0-9a-f]{8}|revert/i);
  }
});

await check("a final block", async () => {
  certificate = await provider.send("pbft_commitCertificate", [deployed.blockNumber]);
  const [number, hash] = await verifier.verify(commit(certificate));
  assert.equal(number, BigInt(deployed.blockNumber));
  assert.equal(hash, deployed.blockHash);
});

await check("its header", async () => {
  await verifier.verifyHeader(commit(certificate), certificate.header);
  assert.equal(await refused(verifier.verifyHeader(commit(certificate), flipped(certificate.header))), "NotTheHeader");
});

for (const [what, change, error] of [
  ["another block", (c) => (c.blockHash = flipped(c.blockHash)), "BadSignature"],
  ["another batch", (c) => (c.batchDigest = flipped(c.batchDigest)), "BadSignature"],
  ["another view", (c) => c.view++, "BadSignature"],
  ["another number", (c) => c.seq++, "BadSignature"],
  ["another epoch", (c) => c.epoch++, "BadSignature"],
  ["a signature of another", (c) => (c.signatures[0] = c.signatures[1]), "BadSignature"],
  ["a signature changed", (c) => (c.signatures[0] = flipped(c.signatures[0])), "BadSignature"],
  ["a signature too few", (c) => c.signatures.pop(), "BadSigners"],
  ["a signature too many", (c) => c.signatures.push(c.signatures[0]), "BadSigners"],
  ["no quorum", (c) => fewer(c, 2), "NoQuorum"],
  ["signers that are none", (c) => (c.signers = "0xf0"), "BadSigners"],
  ["signers without end", (c) => (c.signers += "00"), "BadSigners"],
]) {
  await check(`refuses ${what}`, async () => {
    const c = structuredClone(certificate);
    change(c);
    assert.equal(await refused(verifier.verify(commit(c))), error);
  });
}

// fewer leaves the first k signers and their signatures.
function fewer(c, k) {
  let bits = Number(BigInt(c.signers)), kept = 0;
  for (let i = 0, left = k; i < 8; i++) if (bits & (1 << i) && left-- > 0) kept |= 1 << i;
  c.signers = "0x" + kept.toString(16).padStart(2, "0");
  c.signatures = c.signatures.slice(0, k);
}

// One block for each, up to the end of the epoch.
let stable;
while ((stable = await provider.send("pbft_stableCheckpoint", [])) === null) {
  await mined(await wallet.sendTransaction({ to: await wallet.getAddress(), value: 1n }));
}

await check("an epoch ends", async () => {
  const next = await provider.send("pbft_validators", [stable.seq + 1]);
  const list = next.validators.map((v) => v.address);
  const suspended = next.validators.filter((v) => v.suspended).map((v) => v.address);
  const checkpoint = (c) => [c.epoch, c.seq, c.blockHash, c.stateRoot, list, suspended, next.params, c.signers, c.signatures];
  const bad = { ...stable, stateRoot: flipped(stable.stateRoot) };
  assert.equal(await refused(verifier.advance.staticCall(checkpoint(bad))), "BadSignature");
  const stranger = [stable.epoch, stable.seq, stable.blockHash, stable.stateRoot, [...list.slice(1), "0x" + "f".repeat(40)], suspended, next.params, stable.signers, stable.signatures];
  assert.equal(await refused(verifier.advance.staticCall(stranger)), "BadSignature");
  await mined(await verifier.advance(checkpoint(stable)));
  assert.equal(await verifier.since(), BigInt(stable.epoch + 1));
  assert.equal(await refused(verifier.advance.staticCall(checkpoint(stable))), "NotTheEpoch");
  const old = await provider.send("pbft_commitCertificate", [1]);
  assert.equal(await refused(verifier.verify(commit(old))), "NotTheEpoch");
  const newest = await provider.send("pbft_commitCertificate", ["latest"]);
  assert.equal((await verifier.verify(commit(newest)))[1], newest.blockHash);
});

finish();
