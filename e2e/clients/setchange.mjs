// The two verifiers of finality on a network whose validators have changed: they say the
// same of the proof of its last transaction, and of everything that is nearly it.
import { assert, finish, network } from "./harness.mjs";
import { flipped, founders, provider, refused, same } from "./verdicts.mjs";

const proof = await provider.send("pbft_finalityProof", [network.transaction]);
assert.ok(proof.links.length >= 2, `${proof.links.length} changes of the set`);
await same("the proof", proof, true);

const [first, last] = [0, proof.links.length - 1];
await refused(proof, [
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
]);

finish();
