import { concat, fixed, hex, keccak, number, Refused } from "./bytes";
import type { Header } from "./header";
import * as rlp from "./rlp";
import type { Item } from "./rlp";
import { recover } from "./sign";

// Transactions and receipts as the chain encodes them (EIP-2718).

/** Transaction is what a page shows of one, out of its encoding. */
export interface Transaction {
  hash: string;
  type: number;
  from: string;
  to: string | null;
  nonce: bigint;
  value: bigint;
  gas: bigint;
  input: string;
  tip: bigint; // at most, per unit of gas, in wei
  cap: bigint; // at most with the base fee; both are the price where a transaction names one
}

/** price is what a unit of gas costs in a block of this base fee, in wei. */
export const price = (t: Transaction, baseFee: bigint): bigint => (baseFee + t.tip < t.cap ? baseFee + t.tip : t.cap);

/** created is the address of the contract that a transaction makes. */
export const created = (t: Transaction): string => hex(keccak(rlp.encode([fixed(t.from, 20, "from"), rlp.uint(t.nonce)])).subarray(12));

// The places of members in the list of each type, and where the signature begins.
const layouts: Record<number, Record<"nonce" | "tip" | "cap" | "gas" | "to" | "value" | "input" | "signature" | "length", number>> = {
  0: { nonce: 0, tip: 1, cap: 1, gas: 2, to: 3, value: 4, input: 5, signature: 6, length: 9 },
  1: { nonce: 1, tip: 2, cap: 2, gas: 3, to: 4, value: 5, input: 6, signature: 8, length: 11 },
  2: { nonce: 1, tip: 2, cap: 3, gas: 4, to: 5, value: 6, input: 7, signature: 9, length: 12 },
  4: { nonce: 1, tip: 2, cap: 3, gas: 4, to: 5, value: 6, input: 7, signature: 10, length: 13 },
};

function envelope(raw: Uint8Array): { type: number; body: Uint8Array } {
  const first = raw[0];
  if (first === undefined) throw new Refused("an empty encoding");
  return first >= 0xc0 ? { type: 0, body: raw } : { type: first, body: raw.subarray(1) };
}

/** transaction decodes one, and recovers who signed it. */
export function transaction(raw: Uint8Array): Transaction {
  const { type, body } = envelope(raw), layout = layouts[type];
  if (!layout) throw new Refused(`transactions of type ${type} are not known`);
  const items = rlp.list(body, layout.length);
  const at = (i: number): Uint8Array => rlp.bytes(items[i]);
  return {
    hash: hex(keccak(raw)), type, tip: number(at(layout.tip)), cap: number(at(layout.cap)), from: hex(sender(type, items, layout.signature)),
    to: at(layout.to).length === 0 ? null : hex(at(layout.to)), nonce: number(at(layout.nonce)), value: number(at(layout.value)),
    gas: number(at(layout.gas)), input: hex(at(layout.input)),
  };
}

function sender(type: number, items: Item[], signature: number): Uint8Array {
  const [v, r, s] = [0, 1, 2].map((i) => number(rlp.bytes(items[signature + i]))) as [bigint, bigint, bigint];
  const signed = items.slice(0, signature);
  if (type > 0) return recover(r, s, Number(v), keccak(concat(Uint8Array.of(type), rlp.encode(signed))));
  if (v < 35n) return recover(r, s, Number(v - 27n), keccak(rlp.encode(signed)));
  const protectedItems = [...signed, rlp.uint((v - 35n) / 2n), new Uint8Array(), new Uint8Array()];
  return recover(r, s, Number((v - 35n) % 2n), keccak(rlp.encode(protectedItems)));
}

/** Receipt is the result of a transaction, out of its encoding. */
export interface Receipt {
  status: number;
  cumulativeGasUsed: bigint;
  logs: { address: string; topics: string[]; data: string }[];
}

/** receipt decodes one. */
export function receipt(raw: Uint8Array): Receipt {
  const items = rlp.list(envelope(raw).body, 4);
  const status = rlp.bytes(items[0]);
  if (status.length > 1 || (status.length === 1 && status[0] !== 1)) throw new Refused("the status of a receipt is neither 0 nor 1");
  if (!Array.isArray(items[3])) throw new Refused("the logs of a receipt are no list");
  return {
    status: status.length,
    cumulativeGasUsed: number(rlp.bytes(items[1])),
    logs: items[3].map((entry) => {
      if (!Array.isArray(entry) || entry.length !== 3 || !Array.isArray(entry[1])) throw new Refused("a log is malformed");
      return { address: hex(rlp.bytes(entry[0])), topics: entry[1].map((t) => hex(rlp.bytes(t))), data: hex(rlp.bytes(entry[2])) };
    }),
  };
}

type Shown = Record<string, unknown>;

const isText = (v: unknown, want: string | null): boolean => (want === null ? v === null || v === undefined : typeof v === "string" && v.toLowerCase() === want);
const isNumber = (v: unknown, want: bigint): boolean => typeof v === "string" && /^0x[0-9a-f]+$/i.test(v) && BigInt(v) === want;

/** Place is where a proof has found a transaction. */
export interface Place {
  header: Header;
  hash: string; // of the block
  index: bigint;
}

type Row = [name: string, ok: boolean, want: string];

const textRow = (shown: Shown, name: string, want: string | null): Row => [name, isText(shown[name], want), String(want)];
const numberRow = (shown: Shown, name: string, want: bigint): Row => [name, isNumber(shown[name], want), String(want)];

function mustHold(shown: Shown, rows: Row[], what: string): void {
  for (const [name, ok, want] of rows) if (!ok) throw new Refused(`${name} is shown as ${String(shown[name])}, ${what} says ${want}`);
}

const placeRows = (shown: Shown, at: Place): Row[] => [textRow(shown, "blockHash", at.hash), numberRow(shown, "blockNumber", at.header.number), numberRow(shown, "transactionIndex", at.index)];

/** mustShowTransaction checks that what a page shows is what was signed. */
export function mustShowTransaction(t: Transaction, at: Place, shown: Shown): void {
  mustHold(shown, [
    textRow(shown, "hash", t.hash), numberRow(shown, "type", BigInt(t.type)), textRow(shown, "from", t.from), textRow(shown, "to", t.to), numberRow(shown, "nonce", t.nonce),
    numberRow(shown, "value", t.value), numberRow(shown, "gas", t.gas), textRow(shown, "input", t.input),
  ], "the proven transaction");
  mustHold(shown, [...placeRows(shown, at), numberRow(shown, "blockTimestamp", at.header.timestamp)], "the proof");
}

/** mustShowReceipt checks the result and the logs that a page shows. */
export function mustShowReceipt(r: Receipt, t: Transaction, at: Place, shown: Shown): void {
  mustHold(shown, [numberRow(shown, "status", BigInt(r.status)), numberRow(shown, "cumulativeGasUsed", r.cumulativeGasUsed), textRow(shown, "contractAddress", t.to === null ? created(t) : null)], "the proven receipt");
  mustHold(shown, [...placeRows(shown, at), numberRow(shown, "effectiveGasPrice", price(t, at.header.baseFee))], "the proof");
  mustUseGas(r, t, at, shown);
  const logs = shown.logs as Shown[];
  if (!Array.isArray(logs) || logs.length !== r.logs.length) throw new Refused(`the proven receipt has ${r.logs.length} logs`);
  r.logs.forEach((l, i) => {
    const s = logs[i]!, topics = s.topics as string[];
    const same = isText(s.address, l.address) && isText(s.data, l.data) && Array.isArray(topics) && topics.length === l.topics.length && topics.every((x, j) => isText(x, l.topics[j]!));
    if (!same) throw new Refused(`log ${i} is shown otherwise than the proven receipt has it`);
  });
}

/** mustUseGas: a receipt tells the gas of all transactions up to this one, which bounds its own. */
function mustUseGas(r: Receipt, t: Transaction, at: Place, shown: Shown): void {
  const used = typeof shown.gasUsed === "string" && /^0x[0-9a-f]+$/.test(shown.gasUsed) ? BigInt(shown.gasUsed) : -1n;
  const fits = at.index === 0n ? used === r.cumulativeGasUsed : used > 0n && used < r.cumulativeGasUsed;
  if (!fits || used > t.gas) throw new Refused(`gasUsed is shown as ${String(shown.gasUsed)}, the proven receipt says ${r.cumulativeGasUsed} with all transactions before it`);
}
