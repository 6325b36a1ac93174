// The two verifiers of finality on a network whose validators have changed: "quorate
// verify" and contracts/QuorateFinality.sol start at genesis, follow the same links to
// the block of a proof, and say the same of it, and of everything that is nearly it.
import { spawnSync } from "node:child_process";
import { ContractFactory, decodeRlp, getBytes, hexlify, JsonRpcProvider, keccak256 } from "ethers";
import { compile } from "./compile.mjs";
import { assert, check, finish, network } from "./harness.mjs";

const provider = new JsonRpcProvider(network.rpc[0], network.chainId, { staticNetwork: true, cacheTimeout: -1 });
const { abi, bytecode } = compile("solidity/Follow.sol", "Follow", { QuorateFinality: "../../contracts/QuorateFinality.sol" });
const factory = new ContractFactory(abi, bytecode);

const founders = (await provider.send("pbft_validators", [1])).validators.map((v) => v.address);
const proof = await provider.send("pbft_finalityProof", [network.transaction]);

const flipped = (hex, at) => {
  const bytes = getBytes(hex);
  bytes[at ?? bytes.length >> 1] ^= 1;
  return hexlify(bytes);
};

// contract returns the block that the contract takes for final, or null.
async function contract(p) {
  const links = p.links.map((l) => [l.epoch, l.number, l.blockHash, l.stateRoot, l.validators, l.suspended, l.params, l.signers, l.signatures]);
  const c = p.certificate;
  const header = [p.header, BigInt(decodeRlp(p.header)[8])];
  const commit = [c.epoch, c.view, header[1], c.batchDigest, keccak256(p.header), c.signers, c.signatures];
  const { data } = await factory.getDeployTransaction(network.chainId, p.genesis, founders, links, commit, p.header);
  try {
    return "0x" + (await provider.call({ data })).slice(66);
  } catch (e) {
    assert.match(String(e.code), /CALL_EXCEPTION/, e.stack);
    return null;
  }
}

// light returns the block that "quorate verify" takes for final, or null.
function light(p) {
  const r = spawnSync(network.quorate, ["verify", "-", "--genesis", network.genesis, "--json"], { input: JSON.stringify(p), encoding: "utf8" });
  assert.ok(r.status === 0 || r.status === 3, `exit code ${r.status}: ${r.stderr}`);
  return r.status === 0 ? JSON.parse(r.stdout).blockHash : null;
}

await check("the proof", async () => {
  assert.ok(proof.links.length >= 2, `${proof.links.length} changes of the set`);
  const hash = keccak256(proof.header);
  assert.equal(await contract(proof), hash);
  assert.equal(light(proof), hash);
});

const [first, last] = [0, proof.links.length - 1];
for (const [what, change] of [
  ["a link left out", (p) => p.links.splice(first, 1)],
  ["the last link left out", (p) => p.links.splice(last, 1)],
  ["no links", (p) => (p.links = [])],
  ["a link twice", (p) => p.links.splice(first, 0, p.links[first])],
  ["links in another order", (p) => p.links.reverse()],
  ["another epoch", (p) => p.links[last].epoch++],
  ["an earlier epoch", (p) => p.links[last].epoch--],
  ["another number", (p) => p.links[last].number++],
  ["another block", (p) => (p.links[last].blockHash = flipped(p.links[last].blockHash))],
  ["another state", (p) => (p.links[first].stateRoot = flipped(p.links[first].stateRoot))],
  ["a validator more", (p) => p.links[last].validators.push("0x" + "f".repeat(40))],
  ["a validator fewer", (p) => p.links[last].validators.pop()],
  ["the founders again", (p) => (p.links[last].validators = founders)],
  ["a suspended one more", (p) => p.links[last].suspended.push(p.links[last].validators[0])],
  ["other parameters", (p) => (p.links[last].params = flipped(p.links[last].params))],
  ["a signer more", (p) => (p.links[last].signers = flipped(p.links[last].signers, 0))],
  ["a signature changed", (p) => (p.links[last].signatures[0] = flipped(p.links[last].signatures[0]))],
  ["a signature fewer", (p) => p.links[first].signatures.pop()],
  ["signatures exchanged", (p) => p.links[first].signatures.reverse()],
  ["the certificate of another epoch", (p) => p.certificate.epoch--],
  ["other signers", (p) => (p.certificate.signers = flipped(p.certificate.signers, 0))],
  ["another header", (p) => (p.header = flipped(p.header))],
]) {
  await check(what, async () => {
    const p = structuredClone(proof);
    change(p);
    const [a, b] = [await contract(p), light(p)];
    assert.equal(a, b, `the contract says ${a}, the light client ${b}`);
    assert.equal(a, null);
  });
}

finish();
