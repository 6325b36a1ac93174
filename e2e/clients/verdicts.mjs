// The two verifiers of finality: "quorate verify" and contracts/QuorateFinality.sol start
// at genesis, follow the same links to the block of a proof, and say whether it is final.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { ContractFactory, decodeRlp, getBytes, hexlify, JsonRpcProvider, keccak256, ZeroHash } from "ethers";
import { compile } from "./compile.mjs";
import { assert, check, network } from "./harness.mjs";

export const provider = new JsonRpcProvider(network.rpc[0], network.chainId, { staticNetwork: true, cacheTimeout: -1 });
const { abi, bytecode } = compile("solidity/Follow.sol", "Follow", { QuorateFinality: "../../contracts/QuorateFinality.sol" });
const factory = new ContractFactory(abi, bytecode);

export const founders = (await provider.send("pbft_validators", [1])).validators.map((v) => v.address);
const { recovery } = JSON.parse(readFileSync(network.genesis, "utf8"));
export const recoveryKeys = (recovery?.keys ?? []).map((k) => k.toLowerCase()).sort();

export const flipped = (hex, at) => {
  const bytes = getBytes(hex);
  bytes[at ?? bytes.length >> 1] ^= 1;
  return hexlify(bytes);
};

// contract returns the block that the contract takes for final, or null.
async function contract(p) {
  const links = p.links.map((l) => [l.epoch, l.number, l.blockHash, l.stateRoot, l.validators, l.suspended, l.params, l.signers, l.signatures]);
  const details = p.links.map((l) => l.recovery ?? ZeroHash);
  const c = p.certificate;
  const number = BigInt(decodeRlp(p.header)[8]);
  const commit = [c.epoch, c.view, number, c.batchDigest, keccak256(p.header), c.signers, c.signatures];
  const { data } = await factory.getDeployTransaction(network.chainId, p.genesis, founders, recoveryKeys, recovery?.threshold ?? 0, links, details, commit, p.header);
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

// same checks that both verifiers take a proof's own block for final, or both none.
export const same = (what, p, final) =>
  check(what, async () => {
    const [a, b] = [await contract(p), light(p)];
    assert.equal(a, b, `the contract says ${a}, the light client ${b}`);
    assert.equal(a, final ? keccak256(p.header) : null);
  });

// refused has both verifiers judge changes of a proof, none of which is one.
export async function refused(proof, changes) {
  for (const [what, change] of changes) {
    const p = structuredClone(proof);
    change(p);
    await same(what, p, false);
  }
}
