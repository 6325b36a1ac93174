import { compare, data, fixed, keccak, quantity, Refused } from "./bytes";
import { kinds, mustBe, recoveryPreimage, votePreimage, word, type Domain } from "./sign";

// Who decides: the set of genesis, and each change of it that a quorum of the set before
// has signed. The counterpart is package consensus/light.

/** Trust is what is known for sure: the network, and who decides in it from an epoch on. */
export interface Trust {
  domain: Domain;
  since: bigint; // the first epoch that the set decides
  first: bigint; // the first block of that epoch
  set: Uint8Array[]; // addresses, ascending
  recovery: { keys: Uint8Array[]; threshold: number };
}

/** Link is a change of the set as pbft_finalityProof writes it. */
export interface Link {
  epoch: string;
  number: string;
  blockHash: string;
  stateRoot: string;
  signers: string;
  signatures: string[];
  validators: string[];
  suspended: string[];
  params: string;
  recovery?: string;
}

export const faulty = (n: number): number => Math.floor((n - 1) / 3);
export const quorum = (n: number): number => Math.floor((n + faulty(n) + 2) / 2);

/** members are the indices in a bitset, which must have the one form for n validators. */
export function members(bits: Uint8Array, n: number): number[] {
  if (bits.length !== Math.ceil(n / 8)) throw new Refused(`signers: ${bits.length} bytes, ${n} validators need ${Math.ceil(n / 8)}`);
  const out: number[] = [];
  for (let i = 0; i < bits.length * 8; i++) {
    if (!((bits[i >> 3]! >> (i & 7)) & 1)) continue;
    if (i >= n) throw new Refused(`signers: there is no validator ${i}`);
    out.push(i);
  }
  return out;
}

/** signedBy checks that so many of a list, at least, signed a preimage, and returns who. */
export function signedBy(preimage: Uint8Array, list: Uint8Array[], needed: number, bits: Uint8Array, signatures: Uint8Array[]): Uint8Array[] {
  const who = members(bits, list.length);
  if (who.length < needed) throw new Refused(`${who.length} of ${list.length} signed, ${needed} are needed`);
  if (who.length !== signatures.length) throw new Refused(`${who.length} signers and ${signatures.length} signatures`);
  return who.map((m, i) => {
    mustBe(signatures[i]!, preimage, list[m]!, `validator ${m}`);
    return list[m]!;
  });
}

export const signatures = (list: unknown): Uint8Array[] => {
  if (!Array.isArray(list)) throw new Refused("signatures: a list is expected");
  return list.map((s, i) => fixed(s, 65, `signature ${i}`));
};

/** addresses reads a list that must ascend, as sets do. */
export function addresses(list: unknown, what: string): Uint8Array[] {
  if (!Array.isArray(list)) throw new Refused(`${what}: a list is expected`);
  const out = list.map((a) => fixed(a, 20, what));
  out.forEach((a, i) => {
    if (i > 0 && compare(out[i - 1]!, a) >= 0) throw new Refused(`${what}: not in ascending order`);
  });
  return out;
}

/** nextSetHash is what a checkpoint signs about the epoch after it. */
export function nextSetHash(epoch: bigint, set: Uint8Array[], suspended: Uint8Array[], params: Uint8Array): Uint8Array {
  const head = 4n * 32n;
  const parts: (bigint | Uint8Array)[] = [epoch, head, head + 32n * BigInt(1 + set.length), params, BigInt(set.length), ...set, BigInt(suspended.length), ...suspended];
  const out = new Uint8Array(parts.length * 32);
  parts.forEach((p, i) => out.set(word(p), i * 32));
  return keccak(out);
}

/** follow checks a link by the set so far and returns what is known after it. */
export function follow(t: Trust, l: Link): Trust {
  const epoch = quantity(l.epoch, "epoch"), at = quantity(l.number, "number");
  if (epoch < t.since) throw new Refused(`a change of the set ends epoch ${epoch}, and the set before it decides only from epoch ${t.since} on`);
  const set = addresses(l.validators, "validators");
  if (set.length === 0 || set[0]!.every((b) => b === 0)) throw new Refused("validators: nobody");
  const block = fixed(l.blockHash, 32, "blockHash"), root = fixed(l.stateRoot, 32, "stateRoot");
  const next = nextSetHash(epoch + 1n, set, addresses(l.suspended, "suspended"), fixed(l.params, 32, "params"));
  const bits = data(l.signers, "signers"), list = signatures(l.signatures);
  if (l.recovery !== undefined) {
    if (t.recovery.keys.length === 0) throw new Refused("a recovery, which genesis does not allow");
    const details = fixed(l.recovery, 32, "recovery");
    signedBy(recoveryPreimage(t.domain, epoch, at, block, root, next, details), t.recovery.keys, t.recovery.threshold, bits, list);
  } else {
    signedBy(votePreimage(t.domain, kinds.checkpoint, epoch, at, block, root, next), t.set, quorum(t.set.length), bits, list);
  }
  if (at + 1n < t.first) throw new Refused(`a change of the set after block ${at}, and the set before it decides only from block ${t.first} on`);
  return { ...t, since: epoch + 1n, first: at + 1n, set };
}

