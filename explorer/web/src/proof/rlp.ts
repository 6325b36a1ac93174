import { concat, Refused } from "./bytes";

/** Item is what RLP encodes: bytes, or a list of items. */
export type Item = Uint8Array | Item[];

// Deeper lists are none of Ethereum's.
const maxDepth = 16;

/** decode reads one item and nothing else. It refuses what has a shorter spelling. */
export function decode(input: Uint8Array): Item {
  const [item, end] = read(input, 0, 0);
  if (end !== input.length) throw new Refused("RLP: bytes follow the end");
  return item;
}

/** list is decode for what must be a list of so many items. */
export function list(input: Uint8Array, length?: number): Item[] {
  const item = decode(input);
  if (!Array.isArray(item)) throw new Refused("RLP: a list is expected");
  if (length !== undefined && item.length !== length) throw new Refused(`RLP: a list of ${item.length}, ${length} are expected`);
  return item;
}

/** bytes is an item that must not be a list. */
export function bytes(item: Item | undefined): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new Refused("RLP: bytes are expected");
  return item;
}

function read(input: Uint8Array, at: number, depth: number): [Item, number] {
  if (depth > maxDepth) throw new Refused("RLP: too deep");
  const first = input[at];
  if (first === undefined) throw new Refused("RLP: the end is missing");
  if (first < 0x80) return [input.slice(at, at + 1), at + 1];
  const isList = first >= 0xc0;
  const [start, length] = span(input, at, isList ? first - 0xc0 : first - 0x80);
  const end = start + length;
  if (end > input.length) throw new Refused("RLP: the end is missing");
  if (!isList) {
    if (length === 1 && input[start]! < 0x80) throw new Refused("RLP: a small byte is written long");
    return [input.slice(start, end), end];
  }
  const items: Item[] = [];
  for (let next = start; next < end; ) {
    const [item, after] = read(input, next, depth + 1);
    if (after > end) throw new Refused("RLP: an item is longer than its list");
    items.push(item);
    next = after;
  }
  return [items, end];
}

function span(input: Uint8Array, at: number, head: number): [start: number, length: number] {
  if (head <= 55) return [at + 1, head];
  const digits = head - 55;
  let length = 0;
  for (let i = 1; i <= digits; i++) {
    const b = input[at + i];
    if (b === undefined || digits > 6) throw new Refused("RLP: a length is wrong");
    length = length * 256 + b;
  }
  if (input[at + 1] === 0 || length <= 55) throw new Refused("RLP: a length is written long");
  return [at + 1 + digits, length];
}

/** encode is the one encoding of an item. */
export function encode(item: Item): Uint8Array {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && item[0]! < 0x80) return item;
    return concat(head(0x80, item.length), item);
  }
  const body = concat(...item.map(encode));
  return concat(head(0xc0, body.length), body);
}

function head(base: number, length: number): Uint8Array {
  if (length <= 55) return Uint8Array.of(base + length);
  const digits = uint(BigInt(length));
  return concat(Uint8Array.of(base + 55 + digits.length), digits);
}

/** uint is a number as RLP writes it: big-endian, without leading zeros. */
export function uint(value: bigint): Uint8Array {
  const out: number[] = [];
  for (let x = value; x > 0n; x >>= 8n) out.unshift(Number(x & 0xffn));
  return Uint8Array.from(out);
}
