// The two verifiers of finality on a network that recovery keys have put back on its feet:
// they say the same of the proof of a transaction after it, of other recoveries that the
// same keys could have signed, and of everything that is nearly one.
import { AbiCoder, getBytes, hexlify, id, keccak256, Wallet } from "ethers";
import { readFileSync } from "node:fs";
import { assert, finish, network } from "./harness.mjs";
import { flipped, founders, provider, recoveryKeys, refused, same } from "./verdicts.mjs";

const proof = await provider.send("pbft_finalityProof", [network.transaction]);
assert.equal(proof.links.length, 1, `${proof.links.length} changes of the set`);
const genuine = proof.links[0];
assert.ok(genuine.recovery && BigInt(genuine.epoch) > 0n, `no recovery of an epoch after the first: ${JSON.stringify(genuine)}`);

// The recovery keys, in the order in which signers count, and a stranger's.
const opened = network.recoveryKeys.map((file) => Wallet.fromEncryptedJsonSync(readFileSync(file, "utf8"), network.password));
const keys = recoveryKeys.map((a) => opened.find((w) => w.address.toLowerCase() === a));
const stranger = Wallet.createRandom();

const words = (...types) => (...values) => keccak256(AbiCoder.defaultAbiCoder().encode(types, values));
const nextSet = words("uint256", "address[]", "address[]", "bytes32");
const statement = words("bytes32", "uint256", "bytes32", "uint256", "uint256", "bytes32", "bytes32", "bytes32", "bytes32");

// sign puts signatures over what a link says in the place of its own: of by[i] as key i.
function sign(l, by) {
  const set = nextSet(BigInt(l.epoch) + 1n, l.validators, l.suspended, l.params);
  const said = statement(id("quorate/recovery/1"), network.chainId, proof.genesis, l.epoch, l.number, l.blockHash, l.stateRoot, set, l.recovery);
  let bits = 0;
  l.signatures = [];
  by.forEach((key, i) => {
    if (!key) return;
    bits |= 1 << i;
    const s = key.signingKey.sign(said);
    l.signatures.push(hexlify(new Uint8Array([...getBytes(s.r), ...getBytes(s.s), s.yParity])));
  });
  l.signers = "0x" + bits.toString(16).padStart(2, "0");
}
const signed = (change, by) => {
  const p = structuredClone(proof);
  change(p.links[0]);
  sign(p.links[0], by);
  return p;
};
const [a, b, c] = keys;
const more = (hex, n) => "0x" + (BigInt(hex) + BigInt(n)).toString(16);

await same("the proof", proof, true);
await same("signed anew", signed(() => {}, [a, b]), true);
await same("signed by two others", signed(() => {}, [, b, c]), true);
await same("signed by all", signed(() => {}, keys), true);
// The genesis alone cannot tell these from what has taken place: whoever has the keys decides.
await same("of another block", signed((l) => (l.blockHash = flipped(l.blockHash)), [a, b]), true);
await same("of another epoch", signed((l) => (l.epoch = more(l.epoch, -1)), [a, b]), true);

const later = signed((l) => (l.epoch = more(l.epoch, 5)), [a, b]).links[0];
const above = signed((l) => Object.assign(l, { epoch: "0x0", number: more(l.number, 1_000) }), [a, b]).links[0];
const resign = (p, by) => sign(p.links[0], by);
await refused(proof, [
  ["no recovery", (p) => (p.links = [])],
  ["a recovery twice", (p) => p.links.push(genuine)],
  ["a recovery again after a later one", (p) => p.links.unshift(later)],
  ["a recovery below an earlier one", (p) => p.links.unshift(above)],
  ["of a block above the proof's", (p) => (p.links = [above])],
  ["of an epoch after the proof's", (p) => (p.links = [later])],
  ["one of two keys", (p) => resign(p, [a])],
  ["nobody", (p) => resign(p, [])],
  ["a stranger as one key", (p) => resign(p, [a, stranger])],
  ["strangers as all keys", (p) => resign(p, [stranger, stranger, stranger])],
  ["one key as two", (p) => resign(p, [a, a])],
  ["a fourth key", (p) => resign(p, [a, b, c, stranger])],
  ["keys exchanged", (p) => resign(p, [b, a])],
  ["another block", (p) => (p.links[0].blockHash = flipped(p.links[0].blockHash))],
  ["another number", (p) => (p.links[0].number = more(p.links[0].number, 1))],
  ["another state", (p) => (p.links[0].stateRoot = flipped(p.links[0].stateRoot))],
  ["an epoch later", (p) => (p.links[0].epoch = more(p.links[0].epoch, 1))],
  ["other parameters", (p) => (p.links[0].params = flipped(p.links[0].params))],
  ["other nodes", (p) => (p.links[0].recovery = flipped(p.links[0].recovery))],
  ["the founders again", (p) => (p.links[0].validators = founders)],
  ["somebody suspended", (p) => (p.links[0].suspended = [p.links[0].validators[0]])],
  ["as a checkpoint", (p) => delete p.links[0].recovery],
  ["a signature changed", (p) => (p.links[0].signatures[0] = flipped(p.links[0].signatures[0]))],
  ["a signature fewer", (p) => p.links[0].signatures.pop()],
  ["a signature more", (p) => p.links[0].signatures.push(p.links[0].signatures[0])],
  ["signatures exchanged", (p) => p.links[0].signatures.reverse()],
  ["another signer", (p) => (p.links[0].signers = "0x06" === p.links[0].signers ? "0x03" : "0x06")],
  ["a longer list of signers", (p) => (p.links[0].signers += "00")],
  ["signed for another network", (p) => (p.genesis = flipped(p.genesis))],
  ["the certificate of the epoch before", (p) => (p.certificate.epoch = more(p.certificate.epoch, -1))],
]);

finish();
