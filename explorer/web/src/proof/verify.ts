import { data, equal, fixed, hex, keccak, quantity, Refused } from "./bytes";
import { mustShowReceipt, mustShowTransaction, receipt, transaction } from "./content";
import { begin, type Birth } from "./genesis";
import { header, mustShow, type Header } from "./header";
import * as rlp from "./rlp";
import { kinds, votePreimage } from "./sign";
import { follow, quorum, signatures, signedBy, type Link, type Trust } from "./trust";
import { mustLie } from "./trie";

// Proofs, checked step by step, so that a page can show each step and the first that
// fails. The counterparts are package consensus/light and `quorate verify`.

/** Step names one check; the catalogues of texts have a line for each. */
export type Step = "form" | "genesis" | "links" | "header" | "signatures" | "batch" | "transaction" | "receipt" | "shown";

/** Check is the outcome of one step. */
export interface Check {
  step: Step;
  ok: boolean;
  detail: string; // facts if it holds, else why not
}

/** Report is the outcome of all. Steps after one that fails are not done. */
export interface Report {
  ok: boolean;
  checks: Check[];
  signers: string[];
  validators: number;
  quorum: number;
}

/** Proof is the answer of pbft_finalityProof. */
export interface Proof {
  genesis: string;
  links: Link[];
  certificate: { epoch: string; view: string; batchDigest: string; signers: string; signatures: string[] };
  header: string;
  transactionIndex: string;
  transaction: string;
  transactionProof: string[];
  receipt: string;
  receiptProof: string[];
}

/** Certificate is the answer of pbft_commitCertificate. */
export interface Certificate {
  number: number;
  epoch: number;
  view: number;
  seq: number;
  batchDigest: string;
  blockHash: string;
  signers: string;
  signatures: string[];
  header: string;
  batchHeader: string;
}

type Shown = Record<string, unknown>;

class Steps {
  report: Report = { ok: true, checks: [], signers: [], validators: 0, quorum: 0 };

  /** do runs one step unless one before it has failed. */
  do(step: Step, work: () => string): void {
    if (!this.report.ok) return;
    try {
      this.report.checks.push({ step, ok: true, detail: work() });
    } catch (e) {
      this.report.ok = false;
      this.report.checks.push({ step, ok: false, detail: e instanceof Error ? e.message : String(e) });
    }
  }
}

/** common does the steps from genesis to who decides, up to an epoch if one is given. */
function common(steps: Steps, birth: Birth, pinned: string, links: Link[], upTo?: () => bigint): () => Trust {
  let trust: Trust | undefined;
  steps.do("genesis", () => {
    trust = begin(birth, pinned);
    return pinned;
  });
  steps.do("links", () => {
    const end = upTo?.();
    let followed = 0;
    for (const l of links) {
      if (end !== undefined && quantity(l.epoch, "epoch") >= end) break;
      trust = follow(trust!, l);
      followed++;
    }
    return followed > 0 ? String(followed) : "";
  });
  return () => trust!;
}

/** commit checks the certificate of a header against the set that is trusted. */
function commit(t: Trust, h: Header, c: { epoch: bigint; view: bigint; digest: Uint8Array; hash: Uint8Array; signers: Uint8Array; signatures: Uint8Array[] }): Uint8Array[] {
  if (c.epoch < t.since) throw new Refused(`it is of epoch ${c.epoch}, before the last change of the set, which is for epoch ${t.since}`);
  if (h.number < t.first) throw new Refused(`it is of block ${h.number}, and its validators decide from block ${t.first} on`);
  return signedBy(votePreimage(t.domain, kinds.commit, c.epoch, c.view, h.number, c.digest, c.hash), t.set, quorum(t.set.length), c.signers, c.signatures);
}

function note(r: Report, t: Trust, signers: Uint8Array[]): string {
  r.signers = signers.map(hex);
  r.validators = t.set.length;
  r.quorum = quorum(t.set.length);
  return `${signers.length} / ${t.set.length} (≥ ${r.quorum})`;
}

/** verifyBlock checks that a block is final, and that what is shown of it was signed. */
export function verifyBlock(birth: Birth, pinned: string, links: Link[], c: Certificate, shown: Shown): Report {
  const steps = new Steps();
  const trust = common(steps, birth, pinned, links, () => BigInt(c.epoch));
  let h: Header, hash: Uint8Array;
  steps.do("header", () => {
    const raw = data(c.header, "header");
    hash = keccak(raw);
    h = header(raw);
    if (!equal(hash, fixed(c.blockHash, 32, "blockHash"))) throw new Refused(`the header hashes to ${hex(hash)}, the certificate names ${c.blockHash}`);
    if (h.number !== BigInt(c.seq) || c.number !== c.seq || h.number === 0n) throw new Refused(`the header is of block ${h.number}, the certificate of ${c.seq}`);
    return hex(hash);
  });
  steps.do("signatures", () => {
    const who = commit(trust(), h, { epoch: BigInt(c.epoch), view: BigInt(c.view), digest: fixed(c.batchDigest, 32, "batchDigest"), hash, signers: data(c.signers, "signers"), signatures: signatures(c.signatures) });
    return note(steps.report, trust(), who);
  });
  steps.do("batch", () => {
    const raw = data(c.batchHeader, "batchHeader"), digest = keccak(raw);
    if (!equal(digest, fixed(c.batchDigest, 32, "batchDigest"))) throw new Refused(`the batch header hashes to ${hex(digest)}, the certificate names ${c.batchDigest}`);
    if (!equal(digest, h.mixHash)) throw new Refused("the block names another batch");
    rlp.list(raw, 11);
    return hex(digest);
  });
  steps.do("shown", () => {
    mustShow(h, shown);
    if (String(shown.hash).toLowerCase() !== hex(hash)) throw new Refused(`the hash is shown as ${String(shown.hash)}, the signed one is ${hex(hash)}`);
    return "";
  });
  return steps.report;
}

/** verifyTransaction checks that a transaction is final with the result that is shown. */
export function verifyTransaction(birth: Birth, pinned: string, answer: unknown, shownTx: Shown, shownReceipt: Shown): Report {
  const steps = new Steps();
  let p: Proof | undefined;
  steps.do("form", () => {
    p = strict(answer);
    if (p.genesis !== pinned.toLowerCase()) throw new Refused(`the proof is of the network ${p.genesis}`);
    return `${JSON.stringify(p).length} B`;
  });
  if (!p) return steps.report;
  const proof = p;
  const trust = common(steps, birth, pinned, proof.links);
  let h: Header, hash: Uint8Array;
  steps.do("header", () => {
    const raw = data(proof.header, "header");
    hash = keccak(raw);
    h = header(raw);
    if (h.number === 0n) throw new Refused("no certificate proves block 0");
    return hex(hash);
  });
  const c = proof.certificate;
  steps.do("signatures", () => {
    const parts = { epoch: quantity(c.epoch, "epoch"), view: quantity(c.view, "view"), digest: fixed(c.batchDigest, 32, "batchDigest"), hash, signers: data(c.signers, "signers"), signatures: signatures(c.signatures) };
    return note(steps.report, trust(), commit(trust(), h, parts));
  });
  const key = () => rlp.encode(rlp.uint(quantity(proof.transactionIndex, "transactionIndex")));
  const nodes = (list: string[]) => list.map((n) => data(n, "node of the trie"));
  steps.do("transaction", () => {
    mustLie(h.transactionsRoot, key(), data(proof.transaction, "transaction"), nodes(proof.transactionProof));
    return `#${quantity(proof.transactionIndex, "transactionIndex")} · ${proof.transactionProof.length}`;
  });
  steps.do("receipt", () => {
    mustLie(h.receiptsRoot, key(), data(proof.receipt, "receipt"), nodes(proof.receiptProof));
    return `#${quantity(proof.transactionIndex, "transactionIndex")} · ${proof.receiptProof.length}`;
  });
  steps.do("shown", () => {
    const proven = transaction(data(proof.transaction, "transaction")), at = { header: h, hash: hex(hash), index: quantity(proof.transactionIndex, "transactionIndex") };
    mustShowTransaction(proven, at, shownTx);
    mustShowReceipt(receipt(data(proof.receipt, "receipt")), proven, at, shownReceipt);
    return "";
  });
  return steps.report;
}

const proofKeys = ["genesis", "links", "certificate", "header", "transactionIndex", "transaction", "transactionProof", "receipt", "receiptProof"];
const certificateKeys = ["epoch", "view", "batchDigest", "signers", "signatures"];
const linkKeys = ["epoch", "number", "blockHash", "stateRoot", "signers", "signatures", "validators", "suspended", "params"];

/** strict checks that an answer is a proof in the one spelling that nodes have. */
function strict(answer: unknown): Proof {
  only(answer, proofKeys, "the proof");
  const p = answer as unknown as Proof;
  only(p.certificate, certificateKeys, "its certificate");
  if (!Array.isArray(p.links)) throw new Refused("links: a list is expected");
  for (const l of p.links) only(l, l && typeof l === "object" && "recovery" in l ? [...linkKeys, "recovery"] : linkKeys, "a change of the set");
  fixed(p.genesis, 32, "genesis");
  for (const list of [p.transactionProof, p.receiptProof]) if (!Array.isArray(list)) throw new Refused("nodes of a trie: a list is expected");
  return p;
}

function only(value: unknown, keys: string[], what: string): asserts value is Record<string, unknown> {
  if (!value || typeof value !== "object") throw new Refused(`${what} is missing`);
  const have = Object.keys(value);
  if (have.length !== keys.length || !keys.every((k) => have.includes(k))) throw new Refused(`${what} has not the members ${keys.join(", ")}`);
}
