import { verifyBlock, verifyTransaction, type Report } from "./verify";

// Proofs are checked beside the page: a hundred signatures would hold it up.

type Call = { id: number } & ({ kind: "block"; args: Parameters<typeof verifyBlock> } | { kind: "transaction"; args: Parameters<typeof verifyTransaction> });

/** answer is the outcome of a call; an answer of the node that is not even shaped as one proves nothing, and spoils no other check. */
function answer(call: Call): Report {
  try {
    return call.kind === "block" ? verifyBlock(...call.args) : verifyTransaction(...call.args);
  } catch (e) {
    return { ok: false, checks: [{ step: "form", ok: false, detail: e instanceof Error ? e.message : String(e) }], signers: [], validators: 0, quorum: 0 };
  }
}

self.onmessage = (event: MessageEvent<Call>) => self.postMessage({ id: event.data.id, report: answer(event.data) });
