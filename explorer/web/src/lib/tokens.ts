import { call, lost } from "./rpc";
import { decodeString } from "./text";

/** Meta is what a token says of itself. It is the token's word, nobody checks it. */
export interface Meta {
  name?: string;
  symbol?: string;
  decimals: number;
}

const known = new Map<string, Promise<Meta>>();

/** metaOf asks a token for its name, symbol and decimals, once if it answers. */
export function metaOf(address: string): Promise<Meta> {
  const key = address.toLowerCase();
  let found = known.get(key);
  if (!found) {
    known.set(key, (found = ask(key)));
    found.catch(() => known.delete(key));
  }
  return found;
}

/** get is what a token answers, or nothing if it refuses. A node that does not answer is an error: without decimals every amount would be wrong. */
const get = (to: string, data: string): Promise<string | undefined> => call<string>("eth_call", { to, data }, "latest").catch((e: unknown) => (lost(e) ? Promise.reject(e) : undefined));

const number = (v: string | undefined): bigint | undefined => (v && v.length === 66 ? BigInt(v) : undefined);

async function ask(to: string): Promise<Meta> {
  const [name, symbol, decimals] = await Promise.all(["0x06fdde03", "0x95d89b41", "0x313ce567"].map((data) => get(to, data)));
  const d = number(decimals);
  return { name: name && decodeString(name), symbol: symbol && decodeString(symbol), decimals: d !== undefined && d <= 77n ? Number(d) : 0 };
}

/** supplyOf is how much of a token there is, as it says now. */
export const supplyOf = async (address: string): Promise<bigint | undefined> => number(await get(address, "0x18160ddd"));
