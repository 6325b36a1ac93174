import { afterEach, expect, test, vi } from "vitest";
import { alone } from "../src/lib/alone";
import { dateOf, dayOf, filled, summary } from "../src/lib/days";
import { firstFrames, type Frame } from "../src/lib/frames";
import { whole } from "../src/lib/format";
import { call, lost, online } from "../src/lib/rpc";
import { pathOf } from "../src/lib/router";
import { learn, nameOf, placeOf, renew, setOf, validators } from "../src/lib/sets";
import { protocols } from "../src/lib/socket";
import { follow } from "../src/lib/stream";
import { metaOf } from "../src/lib/tokens";
import { seenOf } from "../src/ui/heat";
import { pageOf } from "../src/ui/pages";

type Answers = (method: string, params: unknown[]) => unknown;

/** node answers JSON-RPC with what a function says; undefined is an error of the method. */
function node(answers: Answers): { asked: string[] } {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (_: string, init: { body: string }) => {
    const batch = JSON.parse(init.body) as { id: number; method: string; params: unknown[] }[];
    const list = batch.map((c) => {
      asked.push(c.method);
      const result = answers(c.method, c.params);
      return result === undefined ? { id: c.id, error: { code: -32000, message: "refused" } } : { id: c.id, result };
    });
    return { status: 200, json: async () => list };
  });
  return { asked };
}

const away = () => vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("network error")));

afterEach(() => void vi.unstubAllGlobals());

test("a task runs alone, and once more for all who asked meanwhile", async () => {
  const ends: (() => void)[] = [];
  let runs = 0;
  const run = alone(() => new Promise<void>((end) => { runs++; ends.push(end); }));
  const all = [run(), run(), run()];
  expect(runs).toBe(1);
  ends[0]!();
  await vi.waitFor(() => expect(runs).toBe(2));
  ends[1]!();
  await Promise.all(all);
  expect(runs).toBe(2);
  void run();
  expect(runs).toBe(3);
});

test("a task that fails can be asked for again", async () => {
  let runs = 0;
  const run = alone(async () => { if (++runs === 1) throw new Error("once"); });
  await expect(run()).rejects.toThrow("once");
  await run();
  expect(runs).toBe(2);
});

const member = (index: number, address: string, name: string) => ({ index, address, name, suspended: false });
const set = (epoch: number, ...validators: ReturnType<typeof member>[]) => ({ epoch, firstSeq: epoch * 64 + 1, lastSeq: epoch * 64 + 64, f: 1, quorum: 3, params: "0x", validators });

test("votes are read by the set of their own epoch, also after it has changed", async () => {
  const [a, b, c] = ["0x0a", "0x0b", "0x0c"], old = set(0, member(0, a, "Ann"), member(1, b, "Bob")), next = set(1, member(0, b, "Bob"), member(1, c, "Cyd"));
  node((method, [number]) => (method === "pbft_validators" ? (number === 5 ? old : next) : undefined));
  await renew();
  const votes = { number: 5, epoch: 0, view: 0, proposer: a, prepares: "0x00", commits: "0x03", certificate: "0x02" };
  expect(seenOf(votes, setOf(0), b)).toBe("unknown");
  await learn([votes]);
  expect(validators.value).toEqual(next);
  expect([a, b, c].map((x) => seenOf(votes, setOf(votes.epoch), x))).toEqual(["proposed", "certificate", "absent"]);
  expect(seenOf({ ...votes, certificate: "0x00" }, setOf(0), b.toUpperCase().replace("0X", "0x"))).toBe("later");
  expect([nameOf(a), nameOf(c), nameOf("0x0d")]).toEqual(["Ann", "Cyd", undefined]); // who has left keeps the name
  expect(placeOf(old, c)).toBeUndefined();
  await learn([{ epoch: 1, number: 70 }]);
  expect(setOf(0)).toBeUndefined(); // nothing is kept that is not shown
});

test("a token that could not be asked is asked again: without decimals every amount is wrong", async () => {
  const word = (n: number) => "0x" + n.toString(16).padStart(64, "0");
  away();
  await expect(metaOf("0xAA")).rejects.toSatisfy(lost);
  expect(online.value).toBe(false);
  const { asked } = node((_, [c]) => ((c as { data: string }).data === "0x313ce567" ? word(6) : undefined));
  expect(await metaOf("0xaa")).toMatchObject({ decimals: 6, symbol: undefined });
  await metaOf("0xaA");
  expect(asked.length).toBe(3);
  expect(online.value).toBe(true);
});

test("calls of one moment travel together, and an answer that is none is told from a refusal", async () => {
  const { asked } = node((method) => (method === "a" ? 1 : undefined));
  const both = [call("a"), call("b")] as const;
  expect(await both[0]).toBe(1);
  await expect(both[1]).rejects.toSatisfy((e) => !lost(e));
  expect(asked).toEqual(["a", "b"]);
});

test("a stream that is busy or away is tried again, one that is closed is not", async () => {
  for (const [status, kind, outcome] of [[403, "application/json", "absent"], [404, "text/plain", "absent"], [200, "text/html", "absent"]] as const) {
    vi.stubGlobal("fetch", async () => new Response("", { status, headers: { "Content-Type": kind } }));
    const end = new AbortController();
    expect(await follow({ from: () => "0", last: () => undefined, include: "", seen: () => {}, live: () => {}, signal: end.signal }), String(status)).toBe(outcome);
  }
  for (const status of [429, 502, 503]) {
    const end = new AbortController();
    let tries = 0;
    vi.stubGlobal("fetch", async () => {
      if (++tries === 2) end.abort();
      return new Response("", { status });
    });
    vi.useFakeTimers();
    const done = follow({ from: () => "0", last: () => undefined, include: "", seen: () => {}, live: () => {}, signal: end.signal });
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    expect([await done, tries], String(status)).toEqual(["ended", 2]);
  }
});

test("a path that is no text leads nowhere, and breaks nothing", () => {
  expect(pathOf("/explorer/block/5")).toBe("/block/5");
  expect(pathOf("/explorer")).toBe("/");
  expect(pathOf("/explorer/%E4%B8%AD")).toBe("/中");
  expect(pathOf("/explorer/%FF")).toBe("/%FF");
});

test("a long list is cut into pages", () => {
  const all = Array.from({ length: 5000 }, (_, i) => i);
  expect(pageOf(all, 25, null)).toEqual({ rows: all.slice(0, 25), at: 1, of: 200 });
  expect(pageOf(all, 25, "200").rows).toEqual(all.slice(4975));
  for (const [asked, at] of [["0", 1], ["201", 200], ["999999999", 200], ["-1", 1], ["1e3", 1], ["x", 1], ["9".repeat(30), 1]] as const) expect(pageOf(all, 25, asked).at, asked).toBe(at);
  expect(pageOf([], 25, "3")).toEqual({ rows: [], at: 1, of: 1 });
});

test("the first calls of a tree are kept as they are shown, and all are counted", () => {
  const f = (type: string, ...calls: Frame[]): Frame => ({ type, from: "0x", input: "0x", calls });
  const { root, all } = firstFrames(f("a", f("b", f("c"), f("d")), f("e")), 3);
  const names = (x: Frame): string => x.type + (x.calls ?? []).map(names).join("");
  expect([names(root), all]).toEqual(["abc", 5]);
  expect(firstFrames(f("a"), 3).all).toBe(1);
});

test("days are whole, and those on which nothing happened are there", () => {
  expect([dateOf(0), dateOf(20_783), dayOf(86_399), dayOf(86_400)]).toEqual(["1970-01-01", "2026-11-26", 0, 1]);
  const big = "0x" + (2n ** 60n).toString(16);
  const days = filled([{ day: "2026-11-26", blocks: "0x2", transactions: "0x5", gasUsed: big, transfers: "0x0", contracts: "0x1" }], 20_782, 20_784);
  expect(days.map((d) => d.transactions)).toEqual([0n, 5n, 0n]);
  expect(summary(days, "gasUsed")).toEqual({ total: 2n ** 60n, most: days[1] });
  expect(summary(days, "transfers")).toEqual({ total: 0n, most: undefined });
});

test("numbers of long chains are whole", () => {
  expect([whole(1_000_000), whole("0xf4240"), whole(9_007_199_254_740_993n)].map((s) => s.replaceAll("\u202f", " "))).toEqual(["1 000 000", "1 000 000", "9 007 199 254 740 993"]);
});

test("a token is shown as a subprotocol, if it is one", () => {
  expect(protocols("")).toEqual([]);
  expect(protocols("eyJ.a-b_c")).toEqual(["quorate", "bearer.eyJ.a-b_c"]);
  for (const bad of ["a b", "a,b", "ä", "a/b", 'a"']) expect(protocols(bad), bad).toEqual([]);
});
