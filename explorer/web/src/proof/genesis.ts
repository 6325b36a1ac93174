import { compare, data, equal, fixed, hex, keccak, Refused, text } from "./bytes";
import { header } from "./header";
import type { Trust } from "./trust";

/** Birth is the answer of pbft_genesis. */
export interface Birth {
  hash: string;
  header: string;
  document: string;
}

/**
 * begin returns what the genesis says, after it has shown that the document is the one of
 * the pinned hash: the hash is that of header 0, whose extraData is the document's.
 */
export function begin(birth: Birth, pinned: string): Trust {
  const raw = data(birth.header, "header of block 0");
  const hash = keccak(raw);
  if (hex(hash) !== pinned.toLowerCase()) throw new Refused(`the node's genesis is ${hex(hash)}, this browser trusts ${pinned}`);
  const zero = header(raw);
  if (zero.number !== 0n) throw new Refused("the header of block 0 is of another block");
  if (!equal(zero.extraData, keccak(text(birth.document)))) throw new Refused("the genesis document is not the one of block 0");
  const doc = JSON.parse(birth.document) as { chainId: number; validators: { address: string }[]; recovery?: { keys?: string[]; threshold?: number } };
  const sorted = (list: string[]) => list.map((a) => fixed(a.toLowerCase(), 20, "address")).sort(compare);
  return {
    domain: { chainId: BigInt(doc.chainId), genesis: hash },
    since: 0n,
    first: 1n,
    set: sorted(doc.validators.map((v) => v.address)),
    recovery: { keys: sorted(doc.recovery?.keys ?? []), threshold: doc.recovery?.threshold ?? 1 },
  };
}
