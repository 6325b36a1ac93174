import { computed, signal } from "@preact/signals";

// Numbers, times and hashes for people. Numbers of the chain are BigInt all the way.

const group = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, "\u202f"); // a narrow space that does not break: read alike everywhere

/** whole writes an exact integer in groups of three. */
export function whole(value: bigint | number | string): string {
  const text = BigInt(value).toString();
  return text.startsWith("-") ? "−" + group(text.slice(1)) : group(text);
}

/** units writes an exact amount with so many decimals, without trailing zeros. */
export function units(value: bigint, decimals: number): string {
  const negative = value < 0n, digits = (negative ? -value : value).toString().padStart(decimals + 1, "0");
  const head = digits.slice(0, digits.length - decimals), tail = decimals > 0 ? digits.slice(-decimals).replace(/0+$/, "") : "";
  return (negative ? "−" : "") + group(head) + (tail ? "." + tail : "");
}

/** ether writes wei in ether, exactly. */
export const ether = (wei: bigint | string): string => units(BigInt(wei), 18) + " ETH";

/** ms writes a duration given in microseconds. */
export function ms(us: number): string {
  const value = us / 1000;
  if (Math.abs(value) >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)} ms`;
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  return n < 1 << 20 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / (1 << 20)).toFixed(1)} MiB`;
}

/** short cuts the middle of a hash or address out. */
export const short = (hex: string, head = 6, tail = 4): string => (hex.length <= 2 + head + tail ? hex : hex.slice(0, 2 + head) + "…" + hex.slice(-tail));

export type Zone = "local" | "utc";
const zoneKey = "quorate.zone";

/** zone is in which times are shown. */
export const zone = signal<Zone>(localStorage.getItem(zoneKey) === "utc" ? "utc" : "local");
zone.subscribe((z) => localStorage.setItem(zoneKey, z));

const formatter = computed(
  () =>
    new Intl.DateTimeFormat("en-CA", {
      year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short",
      ...(zone.value === "utc" ? { timeZone: "UTC" } : {}),
    }),
);

/** moment writes a time with its zone. */
export function moment(seconds: number): string {
  const parts = Object.fromEntries(formatter.value.formatToParts(seconds * 1000).map((p) => [p.type, p.value]));
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second} ${parts.timeZoneName}`;
}

/** now ticks every second, for ages. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

/** hexNumber reads a quantity that is small. */
export const hexNumber = (q: string | null | undefined): number => (q ? Number(BigInt(q)) : 0);

/** printable makes text of the chain harmless to the eye: no controls, nothing that turns writing round, no flood. */
export function printable(text: string, longest = 64): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, "�").replace(/\p{M}{3,}/gu, "�");
  return [...clean].length > longest ? [...clean].slice(0, longest).join("") + "…" : clean;
}
