import { equal, hex, keccak, Refused } from "./bytes";
import * as rlp from "./rlp";
import type { Item } from "./rlp";

/** mustLie checks that a value lies at a key below a root, by these nodes and none besides. */
export function mustLie(root: Uint8Array, key: Uint8Array, value: Uint8Array, nodes: Uint8Array[]): void {
  const left = new Map(nodes.map((n) => [hex(keccak(n)), n]));
  if (left.size !== nodes.length) throw new Refused("a node of the trie is given twice");
  const take = (hash: Uint8Array): Item => {
    const node = left.get(hex(hash));
    if (!node) throw new Refused("a node of the trie is missing");
    left.delete(hex(hash));
    return rlp.decode(node);
  };
  const found = walk(take, root, nibbles(key));
  if (!equal(found, value)) throw new Refused("something else lies at this index");
  if (left.size > 0) throw new Refused("nodes of the trie lie on no path");
}

function walk(take: (hash: Uint8Array) => Item, root: Uint8Array, path: number[]): Uint8Array {
  let node = take(root);
  for (let at = 0; ; ) {
    if (!Array.isArray(node)) throw new Refused("a node of the trie is none");
    let child: Item | undefined;
    if (node.length === 17) {
      if (at === path.length) return rlp.bytes(node[16]);
      child = node[path[at++]!];
    } else if (node.length === 2) {
      const { steps, leaf } = compact(rlp.bytes(node[0]));
      if (!steps.every((s, i) => path[at + i] === s)) throw new Refused("nothing lies at this index");
      at += steps.length;
      if (leaf) {
        if (at !== path.length) throw new Refused("nothing lies at this index");
        return rlp.bytes(node[1]);
      }
      child = node[1];
    }
    if (child instanceof Uint8Array) {
      if (child.length !== 32) throw new Refused("nothing lies at this index");
      node = take(child);
    } else if (child) node = child;
    else throw new Refused("a node of the trie has a wrong length");
  }
}

function nibbles(key: Uint8Array): number[] {
  return [...key].flatMap((b) => [b >> 4, b & 15]);
}

function compact(encoded: Uint8Array): { steps: number[]; leaf: boolean } {
  const all = nibbles(encoded), flag = all[0];
  if (flag === undefined || flag > 3) throw new Refused("a path in the trie is malformed");
  return { steps: all.slice(flag & 1 ? 1 : 2), leaf: flag >= 2 };
}
