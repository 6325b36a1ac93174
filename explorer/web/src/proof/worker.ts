import { verifyBlock, verifyTransaction, type Report } from "./verify";

// Proofs are checked beside the page: a hundred signatures would hold it up.

type Call = { id: number } & ({ kind: "block"; args: Parameters<typeof verifyBlock> } | { kind: "transaction"; args: Parameters<typeof verifyTransaction> });

self.onmessage = (event: MessageEvent<Call>) => {
  const call = event.data;
  const report: Report = call.kind === "block" ? verifyBlock(...call.args) : verifyTransaction(...call.args);
  self.postMessage({ id: call.id, report });
};
