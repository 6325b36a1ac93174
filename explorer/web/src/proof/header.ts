import { hex, number, Refused } from "./bytes";
import * as rlp from "./rlp";

// The members of a header in the order of their encoding, by their JSON names: b are
// bytes, q quantities.
const layout = [
  ["parentHash", "b"], ["sha3Uncles", "b"], ["miner", "b"], ["stateRoot", "b"], ["transactionsRoot", "b"], ["receiptsRoot", "b"],
  ["logsBloom", "b"], ["difficulty", "q"], ["number", "q"], ["gasLimit", "q"], ["gasUsed", "q"], ["timestamp", "q"], ["extraData", "b"],
  ["mixHash", "b"], ["nonce", "b"], ["baseFeePerGas", "q"], ["withdrawalsRoot", "b"], ["blobGasUsed", "q"], ["excessBlobGas", "q"],
  ["parentBeaconBlockRoot", "b"], ["requestsHash", "b"],
] as const;

/** Header is a block header, decoded. */
export interface Header {
  number: bigint;
  timestamp: bigint;
  baseFee: bigint;
  extraData: Uint8Array;
  mixHash: Uint8Array;
  transactionsRoot: Uint8Array;
  receiptsRoot: Uint8Array;
  fields: Map<string, string>; // all members, as eth_getBlockByNumber writes them
}

/** header decodes the RLP of a header. */
export function header(raw: Uint8Array): Header {
  const items = rlp.list(raw, layout.length).map(rlp.bytes);
  const at = (name: (typeof layout)[number][0]): Uint8Array => items[layout.findIndex(([n]) => n === name)]!;
  const fields = new Map(layout.map(([name, kind], i) => [name as string, kind === "b" ? hex(items[i]!) : "0x" + number(items[i]!).toString(16)]));
  return {
    number: number(at("number")), timestamp: number(at("timestamp")), baseFee: number(at("baseFeePerGas")), extraData: at("extraData"), mixHash: at("mixHash"),
    transactionsRoot: at("transactionsRoot"), receiptsRoot: at("receiptsRoot"), fields,
  };
}

/** mustShow checks that what a page shows of a block is what its header says. */
export function mustShow(h: Header, shown: Record<string, unknown>): void {
  for (const [name, value] of h.fields) {
    if (typeof shown[name] !== "string" || (shown[name] as string).toLowerCase() !== value) {
      throw new Refused(`${name} is shown as ${String(shown[name])}, the signed header says ${value}`);
    }
  }
}
