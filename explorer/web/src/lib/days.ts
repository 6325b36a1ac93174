import type { Day } from "./index";

// Days of UTC, as numbers since 1970 and as dates.

const daySeconds = 86_400;

/** dayOf is the day of a time in seconds. */
export const dayOf = (seconds: number): number => Math.floor(seconds / daySeconds);

/** dateOf writes a day as the node does: 2026-11-26. */
export const dateOf = (day: number): string => new Date(day * daySeconds * 1000).toISOString().slice(0, 10);

export const measures = ["transactions", "blocks", "gasUsed", "transfers", "contracts"] as const;
export type Measure = (typeof measures)[number];

/** Counts is one day, exact. */
export type Counts = { day: number } & Record<Measure, bigint>;

/** filled is every day from one to another: nothing happened on those that the node leaves out. */
export function filled(rows: Day[], from: number, to: number): Counts[] {
  const known = new Map(rows.map((r) => [r.day, r]));
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const day = from + i, row = known.get(dateOf(day));
    return { day, ...(Object.fromEntries(measures.map((m) => [m, row ? BigInt(row[m]) : 0n])) as Record<Measure, bigint>) };
  });
}

/** summary is the sum over days, and the day with most; undefined if nothing happened. */
export function summary(days: Counts[], m: Measure): { total: bigint; most?: Counts } {
  let total = 0n, most: Counts | undefined;
  for (const d of days) {
    total += d[m];
    if (d[m] > (most?.[m] ?? 0n)) most = d;
  }
  return { total, most };
}
