import { signal } from "@preact/signals";
import { call } from "./rpc";
import type { Birth } from "../proof/genesis";
import type { Link } from "../proof/trust";
import type { Certificate, Report } from "../proof/verify";

// Gets what is to be checked, and hands it to the worker that checks it.

type Shown = Record<string, unknown>;

const pinKey = "quorate.genesis";

/** pinned is the genesis hash that this browser trusts: given by the user, or the first one seen. */
export const pinned = signal<{ hash: string; by: "user" | "first"; since: number } | undefined>(read());

function read() {
  try {
    return JSON.parse(localStorage.getItem(pinKey) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** pin makes a hash the one that is trusted. */
export function pin(hash: string, by: "user" | "first"): void {
  pinned.value = { hash: hash.toLowerCase(), by, since: Date.now() };
  localStorage.setItem(pinKey, JSON.stringify(pinned.value));
}

let birth: Promise<Birth> | undefined;

/** genesis is what the node says about block 0; the worker checks it against the pinned hash. */
export function genesis(): Promise<Birth> {
  birth ??= call<Birth>("pbft_genesis").catch((e: unknown) => {
    birth = undefined;
    throw e;
  });
  return birth.then((b) => {
    if (!pinned.value) pin(b.hash, "first");
    return b;
  });
}

let worker: Worker | undefined;
let calls = 0;
const waiting = new Map<number, { resolve: (r: Report) => void; reject: (e: Error) => void }>();

function check(kind: "block" | "transaction", args: unknown[]): Promise<Report> {
  if (!worker) {
    worker = new Worker(new URL("../proof/worker.ts", import.meta.url), { type: "module" });
    worker.onerror = () => {
      for (const { reject } of waiting.values()) reject(new Error("the worker that checks proofs has failed"));
      waiting.clear();
      worker = undefined;
    };
    worker.onmessage = (event: MessageEvent<{ id: number; report: Report }>) => {
      waiting.get(event.data.id)?.resolve(event.data.report);
      waiting.delete(event.data.id);
    };
  }
  const id = ++calls;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker!.postMessage({ id, kind, args });
  });
}

/** checkTransaction checks a proof against what a page shows of a transaction. */
export async function checkTransaction(proof: unknown, tx: Shown, receipt: Shown): Promise<Report> {
  const b = await genesis();
  return check("transaction", [b, pinned.value!.hash, proof, tx, receipt]);
}

/** checkBlock checks a certificate against what a page shows of a block. */
export async function checkBlock(certificate: Certificate, block: Shown): Promise<Report> {
  const [b, links] = await Promise.all([genesis(), call<Link[] | null>("pbft_setChanges", certificate.number)]);
  return check("block", [b, pinned.value!.hash, links ?? [], certificate, { ...block, transactions: undefined }]);
}
