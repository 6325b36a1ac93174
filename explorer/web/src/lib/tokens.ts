import { maybe } from "./rpc";
import { decodeString } from "./text";

/** Meta is what a token says of itself. It is the token's word, nobody checks it. */
export interface Meta {
  name?: string;
  symbol?: string;
  decimals: number;
  supply?: bigint;
}

const known = new Map<string, Promise<Meta>>();

/** metaOf asks a token once for its name, symbol, decimals and supply. */
export function metaOf(address: string): Promise<Meta> {
  const key = address.toLowerCase();
  let found = known.get(key);
  if (!found) known.set(key, (found = ask(key)));
  return found;
}

async function ask(to: string): Promise<Meta> {
  const get = (data: string) => maybe<string>("eth_call", { to, data }, "latest");
  const [name, symbol, decimals, supply] = await Promise.all([get("0x06fdde03"), get("0x95d89b41"), get("0x313ce567"), get("0x18160ddd")]);
  const number = (v: string | undefined): bigint | undefined => (v && v.length === 66 ? BigInt(v) : undefined);
  const d = number(decimals);
  return { name: name && decodeString(name), symbol: symbol && decodeString(symbol), decimals: d !== undefined && d <= 77n ? Number(d) : 0, supply: number(supply) };
}
