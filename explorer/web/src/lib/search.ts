import type { Page, Token } from "./index";
import { call, maybe } from "./rpc";
import { validators } from "./sets";
import { metaOf } from "./tokens";

/** Found is where a search leads. */
export interface Found {
  path: string;
  kind: "block" | "transaction" | "address" | "token" | "validator";
  text: string;
}

/** find looks for a number, a hash, an address, or a name of a validator or token. */
export async function find(input: string): Promise<Found[]> {
  const q = input.trim();
  if (/^#?\d[\d\s,_]*$/.test(q)) return byNumber(BigInt(q.replace(/[#\s,_]/g, "")));
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(q)) return byHash("0x" + q.replace(/^0x/, "").toLowerCase());
  if (/^(0x)?[0-9a-fA-F]{40}$/.test(q)) return [{ path: "/address/0x" + q.replace(/^0x/, "").toLowerCase(), kind: "address", text: q }];
  if (/^0x[0-9a-fA-F]{1,16}$/.test(q)) return byNumber(BigInt(q));
  return q.length < 2 ? [] : byName(q.toLowerCase());
}

async function byNumber(n: bigint): Promise<Found[]> {
  const head = await call<string>("eth_blockNumber");
  return n <= BigInt(head) ? [{ path: "/block/" + n, kind: "block", text: n.toString() }] : [];
}

async function byHash(hash: string): Promise<Found[]> {
  const [tx, block] = await Promise.all([maybe<object | null>("eth_getTransactionByHash", hash), maybe<object | null>("eth_getBlockByHash", hash, false)]);
  if (tx) return [{ path: "/tx/" + hash, kind: "transaction", text: hash }];
  if (block) return [{ path: "/block/" + hash, kind: "block", text: hash }];
  const fate = await maybe<{ status: string }>("txpool_explain", hash); // refused ones have a page, too
  return fate && fate.status !== "unknown" ? [{ path: "/tx/" + hash, kind: "transaction", text: hash }] : [];
}

// Names are not indexed: tokens are asked for theirs, the newest first, until some fit or
// so many do not.
const tokensAtATime = 100, tokensSearched = 1000;

async function byName(q: string): Promise<Found[]> {
  const members = (validators.value?.validators ?? []).filter((v) => v.name.toLowerCase().includes(q)).map((v): Found => ({ path: "/address/" + v.address, kind: "validator", text: v.name }));
  return [...members, ...(await tokensNamed(q))];
}

async function tokensNamed(q: string): Promise<Found[]> {
  for (let cursor: string | null = null, asked = 0; asked < tokensSearched; asked += tokensAtATime) {
    const page: Page<Token> | undefined = await maybe("index_tokens", { limit: tokensAtATime, ...(cursor ? { cursor } : {}) });
    const tokens = await Promise.all((page?.items ?? []).map(async ({ address }) => ({ address, ...(await metaOf(address).catch(() => undefined)) })));
    const named = tokens.filter((x) => x.name?.toLowerCase().includes(q) || x.symbol?.toLowerCase().includes(q));
    if (named.length > 0 || !page?.next) return named.map((x) => ({ path: "/token/" + x.address, kind: "token", text: [x.name, x.symbol].filter(Boolean).join(" · ") }));
    cursor = page.next;
  }
  return [];
}
