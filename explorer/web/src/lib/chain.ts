import { signal } from "@preact/signals";
import { alone } from "./alone";
import { call, maybe, token } from "./rpc";
import { learn, renew, validators } from "./sets";
import { follow } from "./stream";
import { hexNumber } from "./format";

// What every page knows of the chain, kept live: the last blocks, whose votes were seen
// for them, how long they took, and how consensus stands.

export interface Block {
  number: string;
  hash: string;
  parentHash: string;
  timestamp: string;
  miner: string;
  gasUsed: string;
  gasLimit: string;
  size: string;
  transactions: string[];
  [member: string]: unknown;
}

export interface ValidatorStatus {
  address: string;
  connected: boolean;
  epoch: number;
  view: number;
  mode: string;
  committed: number;
  asks: number | null;
  suspended: boolean;
}

export interface Status {
  self: string;
  view: number;
  activeView: number;
  epoch: number;
  primary: string;
  isPrimary: boolean;
  mode: string;
  committed: number;
  stable: number;
  window: { low: number; high: number };
  validators: ValidatorStatus[];
  f: number;
  quorum: number;
  patienceMs: number;
  suspended: string[];
  line: string;
  halt?: string;
  held?: string;
  stands?: string;
}

export interface Votes {
  number: number;
  epoch: number;
  view: number;
  proposer: string;
  prepares: string;
  commits: string;
  certificate: string;
}

export interface Phases {
  number: number;
  epoch: number;
  view: number;
  originView: number;
  proposer: string;
  primary: string | null;
  own: boolean;
  acceptedUs: number | null;
  preparedUs: number | null;
  executedUs: number | null;
  commitSentUs: number | null;
  committedUs: number | null;
  durableUs: number | null;
}

/** kept is how many blocks stay in memory. */
export const kept = 120;

export const head = signal<number | undefined>(undefined);
export const blocks = signal<Block[]>([]); // newest first, at most kept
export const votes = signal<Map<number, Votes>>(new Map());
export const phases = signal<Map<number, Phases>>(new Map());
export const status = signal<Status | undefined>(undefined);
export const pool = signal<{ pending: number; queued: number } | undefined>(undefined);
export const peers = signal<number | undefined>(undefined);
export const chainId = signal<bigint | undefined>(undefined);
export const client = signal("");

/** How blocks come: by the stream, by asking where that door is closed, or not at all. */
export type Feed = "connecting" | "live" | "asking" | "lost";
export const feed = signal<Feed>("connecting");

/** perSecond is what the blocks of each of the last seconds held, by block time. */
export const perSecond = signal<Map<number, { transactions: number; blocks: number }>>(new Map());
export const secondsKept = 120;

/** countedSince is the second from which on perSecond has every block: older ones were not asked for. */
export const countedSince = signal(0);

function count(fresh: Block[]): void {
  if (blocks.value.length === 0) {
    const oldest = fresh[fresh.length - 1]!;
    countedSince.value = hexNumber(oldest.number) <= 1 ? 0 : hexNumber(oldest.timestamp) + 1; // of its own second some may be missing
  }
  const next = new Map(perSecond.value), oldest = Math.floor(Date.now() / 1000) - secondsKept;
  for (const b of fresh) {
    const second = hexNumber(b.timestamp), old = next.get(second);
    if (hexNumber(b.number) > 0) next.set(second, { transactions: (old?.transactions ?? 0) + b.transactions.length, blocks: (old?.blocks ?? 0) + 1 });
  }
  for (const second of next.keys()) if (second < oldest) next.delete(second);
  perSecond.value = next;
}

const pushed: Block[] = [];
let scheduled = false;
const calm = 400; // ms between changes of a page: faster ones nobody reads

function take(b: Block): void {
  pushed.push(b);
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    const fresh = pushed.splice(0).reverse();
    const newest = hexNumber(fresh[0]!.number);
    const known = new Set(fresh.map((x) => x.number));
    count(fresh.filter((b) => !blocks.value.some((x) => x.number === b.number)));
    blocks.value = [...fresh, ...blocks.value.filter((x) => !known.has(x.number))].slice(0, kept);
    head.value = Math.max(newest, head.value ?? 0);
    void watch();
  }, pushed.length === 1 && blocks.value.length === 0 ? 0 : calm);
}

const phasesAtOnce = 40; // blocks whose phases are asked for in one go

/** watch asks whose votes were seen for the blocks in memory, and how long these took. */
const watch = alone(async () => {
  const list = blocks.value.map((b) => hexNumber(b.number)).filter((n) => n > 0);
  if (list.length === 0) return;
  const wanted = list.filter((n) => !phases.value.get(n)?.durableUs).slice(0, phasesAtOnce);
  const [seen, ...times] = await Promise.all([
    maybe<{ blocks: Votes[] }>("pbft_participation", list[list.length - 1], list[0]),
    ...wanted.map((n) => maybe<Phases | null>("pbft_blockPhases", n)),
  ]);
  if (seen) {
    await learn(seen.blocks);
    votes.value = new Map(seen.blocks.map((v) => [v.number, v]));
  }
  const next = new Map(phases.value);
  for (const t of times) if (t) next.set(t.number, t);
  const oldest = list[list.length - 1]!;
  for (const n of next.keys()) if (n < oldest) next.delete(n);
  phases.value = next;
});

/** look asks how consensus, pool and network stand. */
const look = alone(async () => {
  const [s, p, n] = await Promise.all([maybe<Status>("pbft_status"), maybe<{ pending: string; queued: string }>("txpool_status"), maybe<string>("net_peerCount")]);
  if (s) {
    status.value = s;
    if (validators.value?.epoch !== s.epoch) await renew();
  }
  if (p) pool.value = { pending: hexNumber(p.pending), queued: hexNumber(p.queued) };
  if (n !== undefined) peers.value = hexNumber(n);
  if (chainId.value === undefined) await identify();
});

let live = new AbortController();
const lookEvery = 1000; // ms
const askEvery = 1500; // ms, where there is no stream

/** identify asks which network and which program this is. */
async function identify(): Promise<void> {
  const [id, version] = await Promise.all([maybe<string>("eth_chainId"), maybe<string>("web3_clientVersion")]);
  if (id) chainId.value = BigInt(id);
  if (version) client.value = version;
}

/** start begins to follow the chain; it goes on as long as the page is open. */
export function start(): void {
  void look();
  setInterval(() => !document.hidden && void look(), lookEvery);
  token.subscribe(() => void run()); // at once, and with another token again
}

async function run(): Promise<void> {
  live.abort();
  const own = (live = new AbortController());
  feed.value = "connecting";
  try {
    const newest = hexNumber(await call<string>("eth_blockNumber"));
    if (own.signal.aborted) return;
    head.value = Math.max(head.value ?? 0, newest);
    const outcome = await follow({
      from: () => String(Math.max(0, (head.value ?? 0) - kept + 1)),
      last: () => (blocks.value[0] ? BigInt(blocks.value[0].number).toString() : undefined),
      include: "",
      seen: (m) => m.event === "block" && take((JSON.parse(m.data) as { block: Block }).block),
      live: (on) => (feed.value = on ? "live" : "lost"),
      signal: own.signal,
    });
    if (outcome === "absent") void ask(own.signal);
  } catch {
    if (own.signal.aborted) return; // a later run says how it stands
    feed.value = "lost";
    setTimeout(() => !own.signal.aborted && void run(), askEvery);
  }
}

/** ask is for a node whose stream this user may not read. */
async function ask(stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const newest = await maybe<string>("eth_blockNumber");
    if (stop.aborted) return;
    feed.value = newest === undefined ? "lost" : "asking";
    if (newest !== undefined) {
      const last = blocks.value[0] ? hexNumber(blocks.value[0].number) : -1, top = hexNumber(newest);
      const numbers = [];
      for (let n = Math.max(last + 1, top - kept + 1, 0); n <= top; n++) numbers.push(n);
      const list = await Promise.all(numbers.map((n) => call<Block | null>("eth_getBlockByNumber", "0x" + n.toString(16), false))).catch(() => []); // all or none: no gaps
      if (stop.aborted) return;
      for (const b of list) if (b) take(b);
    }
    await new Promise((wake) => setTimeout(wake, askEvery));
  }
}
