import { secp256k1 } from "@noble/curves/secp256k1";
import { expect, test } from "vitest";
import { concat, compare, hex, keccak } from "../src/proof/bytes";
import { created, price, type Transaction } from "../src/proof/content";
import { header as headerOf } from "../src/proof/header";
import * as rlp from "../src/proof/rlp";
import { kinds, votePreimage, type Domain } from "../src/proof/sign";
import { follow, members, nextSetHash, quorum, type Link, type Trust } from "../src/proof/trust";
import { verifyBlock, verifyTransaction } from "../src/proof/verify";
import vectors from "../../../consensus/testdata/vectors.json";
import devnet from "./fixtures/devnet.json";

const { birth, certificate, block, proof, transaction, receipt } = devnet;
const pinned = birth.hash;
const failed = (r: { checks: { step: string; ok: boolean }[] }) => r.checks.find((c) => !c.ok)?.step;

/** flip changes one bit of the n-th hexadecimal digit of a text. */
const flip = (text: string, n: number): string => {
  const at = 2 + (n % (text.length - 2));
  return text.slice(0, at) + (parseInt(text[at]!, 16) ^ 1).toString(16) + text.slice(at + 1);
};

test("a block of a real devnet is verified", () => {
  const report = verifyBlock(birth, pinned, proof.links as Link[], certificate, block);
  expect(report.checks.filter((c) => !c.ok)).toEqual([]);
  expect(report.ok).toBe(true);
  expect(report.checks.map((c) => c.step)).toEqual(["genesis", "links", "header", "signatures", "batch", "shown"]);
  expect(report.signers.length).toBeGreaterThanOrEqual(report.quorum);
  expect([report.validators, report.quorum]).toEqual([4, 3]);
});

test("a transaction of a real devnet is verified", () => {
  const report = verifyTransaction(birth, pinned, proof, transaction, receipt);
  expect(report.checks.filter((c) => !c.ok)).toEqual([]);
  expect(report.checks.map((c) => c.step)).toEqual(["form", "genesis", "links", "header", "signatures", "transaction", "receipt", "shown"]);
  expect(proof.transactionProof.length).toBeGreaterThan(1);
});

test("every byte of a certificate counts", () => {
  for (const name of ["blockHash", "batchDigest", "header", "batchHeader", "signers"] as const) {
    for (let n = 0; n < certificate[name].length - 2; n += name === "header" ? 7 : 1) {
      const report = verifyBlock(birth, pinned, [], { ...certificate, [name]: flip(certificate[name], n) }, block);
      expect(report.ok, `${name}, digit ${n}`).toBe(false);
    }
  }
  certificate.signatures.forEach((s, i) => {
    for (let n = 0; n < s.length - 2; n += 9) {
      const signatures = certificate.signatures.with(i, flip(s, n));
      expect(failed(verifyBlock(birth, pinned, [], { ...certificate, signatures }, block))).toBe("signatures");
    }
  });
  for (const name of ["epoch", "view", "seq", "number"] as const) expect(verifyBlock(birth, pinned, [], { ...certificate, [name]: certificate[name] + 1 }, block).ok).toBe(false);
});

test("fewer signers than a quorum prove nothing", () => {
  const bits = parseInt(certificate.signers.slice(2), 16), fewer = bits & (bits - 1);
  const report = verifyBlock(birth, pinned, [], { ...certificate, signers: "0x" + fewer.toString(16).padStart(2, "0"), signatures: certificate.signatures.slice(1) }, block);
  expect(failed(report)).toBe("signatures");
  expect(report.checks.at(-1)!.detail).toMatch(/2 of 4 signed, 3 are needed/);
});

test("what is shown otherwise than it was signed is found", () => {
  for (const [name, value] of Object.entries(block)) {
    if (typeof value !== "string" || ["size", "totalDifficulty"].includes(name)) continue;
    const report = verifyBlock(birth, pinned, [], certificate, { ...block, [name]: flip(value, value.length - 3) });
    expect(failed(report), name).toBe("shown");
  }
});

test("every byte of a finality proof counts", () => {
  const text = JSON.stringify(proof);
  for (let at = 0; at < text.length; at += 5) {
    for (const mask of [0x01, 0x20]) {
      const bad = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ mask) + text.slice(at + 1);
      let parsed: unknown;
      try {
        parsed = JSON.parse(bad);
      } catch {
        continue;
      }
      expect(verifyTransaction(birth, pinned, parsed, transaction, receipt).ok, `byte ${at}: …${bad.slice(Math.max(0, at - 20), at + 20)}…`).toBe(false);
    }
  }
});

test("a transaction or result that is shown otherwise is found", () => {
  for (const [name, value] of [["value", "0x1234"], ["from", "0x" + "11".repeat(20)], ["to", null], ["input", "0x"], ["nonce", "0x7777"], ["gas", "0x1"]] as const) {
    expect(failed(verifyTransaction(birth, pinned, proof, { ...transaction, [name]: value }, receipt)), name).toBe("shown");
  }
  expect(failed(verifyTransaction(birth, pinned, proof, transaction, { ...receipt, status: "0x0" }))).toBe("shown");
  expect(failed(verifyTransaction(birth, pinned, proof, transaction, { ...receipt, logs: [] }))).toBe("shown");
  const logs = receipt.logs.map((l) => ({ ...l, data: flip(l.data, 60) }));
  expect(failed(verifyTransaction(birth, pinned, proof, transaction, { ...receipt, logs }))).toBe("shown");
});

test("another genesis is refused", () => {
  expect(failed(verifyBlock(birth, flip(pinned, 5), [], certificate, block))).toBe("genesis");
  expect(failed(verifyBlock({ ...birth, header: flip(birth.header, 90) }, pinned, [], certificate, block))).toBe("genesis");
  const stranger = birth.document.replace(/"validators":\[\{"address":"0x./, (s) => s.slice(0, -1) + (s.endsWith("0") ? "1" : "0"));
  expect(stranger).not.toBe(birth.document);
  expect(failed(verifyBlock({ ...birth, document: stranger }, pinned, [], certificate, block))).toBe("genesis");
});

// The other way: what package consensus has written down as examples.
test("preimages are those of package consensus", () => {
  const d: Domain = { chainId: BigInt(vectors.chainId), genesis: bytesOf(vectors.genesisHash) };
  for (const v of vectors.votes as { name: string; type: number; words: string[]; hash: string }[]) {
    if (v.name !== "COMMIT" && v.name !== "CHECKPOINT") continue;
    const fields = v.words.slice(5).map(bytesOf);
    const preimage = votePreimage(d, v.name === "COMMIT" ? kinds.commit : kinds.checkpoint, BigInt(v.words[4]!), ...fields);
    expect(hex(preimage)).toBe("0x" + v.words.map((w) => w.slice(2)).join(""));
    expect(hex(keccak(preimage))).toBe(v.hash);
  }
});

test("the quorum is that of the protocol", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 10, 31, 100].map(quorum)).toEqual([1, 2, 2, 3, 4, 4, 5, 7, 21, 67]);
});

test("bitsets have one form", () => {
  expect(members(Uint8Array.of(0b1011), 4)).toEqual([0, 1, 3]);
  expect(() => members(Uint8Array.of(0b10000), 4)).toThrow(/no validator 4/);
  expect(() => members(Uint8Array.of(1, 0), 4)).toThrow(/2 bytes/);
});

const bytesOf = (h: string): Uint8Array => Uint8Array.from(h.slice(2).match(/../g) ?? [], (b) => parseInt(b, 16));

/** people are validators whose keys the test has. */
function people(n: number, seed: number) {
  return Array.from({ length: n }, (_, i) => {
    const key = keccak(Uint8Array.of(seed, i));
    return { key, address: keccak(secp256k1.getPublicKey(key, false).subarray(1)).subarray(12) };
  }).sort((a, b) => compare(a.address, b.address));
}

function sign(key: Uint8Array, preimage: Uint8Array): string {
  const s = secp256k1.sign(keccak(preimage), key);
  return hex(concat(s.toCompactRawBytes(), Uint8Array.of(s.recovery)));
}

const domain: Domain = { chainId: 1337n, genesis: new Uint8Array(32).fill(7) };
const first = people(4, 1), second = people(5, 2);
const trust: Trust = { domain, since: 0n, first: 1n, set: first.map((p) => p.address), recovery: { keys: [], threshold: 1 } };

function link(epoch: bigint, by: typeof first, next: typeof first, who: number[], of = domain): Link {
  const at = (epoch + 1n) * 64n, block = new Uint8Array(32).fill(1), root = new Uint8Array(32).fill(2), params = new Uint8Array(32).fill(3), suspended = [next[1]!.address];
  const preimage = votePreimage(of, kinds.checkpoint, epoch, at, block, root, nextSetHash(epoch + 1n, next.map((p) => p.address), suspended, params));
  return {
    epoch: "0x" + epoch.toString(16), number: "0x" + at.toString(16), blockHash: hex(block), stateRoot: hex(root), params: hex(params),
    signers: hex(Uint8Array.of(who.reduce((b, i) => b | (1 << i), 0))), signatures: who.map((i) => sign(by[i]!.key, preimage)),
    validators: next.map((p) => hex(p.address)), suspended: suspended.map(hex),
  };
}

test("a change of the set is followed", () => {
  const after = follow(trust, link(1n, first, second, [0, 1, 3]));
  expect(after.since).toBe(2n);
  expect(after.first).toBe(129n);
  expect(after.set.map(hex)).toEqual(second.map((p) => hex(p.address)));
  expect(follow(after, link(4n, second, first, [0, 1, 2, 4])).since).toBe(5n);
});

test("a change of the set that does not hold is refused", () => {
  const good = link(1n, first, second, [0, 1, 3]);
  const rows: [string, Partial<Link>, RegExp][] = [
    ["nobody", { validators: [] }, /nobody/],
    ["another set", { validators: people(5, 9).map((p) => hex(p.address)) }, /not by|of no key/],
    ["unordered", { validators: [...good.validators].reverse() }, /ascending/],
    ["another block", { blockHash: flip(good.blockHash, 3) }, /not by|of no key/],
    ["other parameters", { params: flip(good.params, 3) }, /not by|of no key/],
    ["two signed", { signers: "0x03", signatures: good.signatures.slice(0, 2) }, /2 of 4/],
    ["short", { signatures: good.signatures.map((s) => s.slice(0, -2)) }, /64 bytes/],
  ];
  for (const [name, change, why] of rows) expect(() => follow(trust, { ...good, ...change }), name).toThrow(why);
  expect(() => follow(follow(trust, good), good)).toThrow(/only from epoch 2/);
  expect(() => follow(trust, link(1n, second, second, [0, 1, 2, 3]))).toThrow();
});

test("a signature has one form", () => {
  const good = link(1n, first, second, [0, 1, 3]);
  const s = good.signatures[0]!, order = secp256k1.CURVE.n;
  const high = "0x" + s.slice(2, 66) + (order - BigInt("0x" + s.slice(66, 130))).toString(16).padStart(64, "0") + (s.endsWith("00") ? "01" : "00");
  expect(() => follow(trust, { ...good, signatures: good.signatures.with(0, high) })).toThrow(/range/);
});

test("RLP has one form", () => {
  for (const bad of ["0x8100", "0xb800", "0xb90001aa", "0xc18100", "0x820a", "0xc3820a", "0x0102", "0xf800", "0xb83700"]) expect(() => rlp.decode(bytesOf(bad)), bad).toThrow();
  const deep = Array.from({ length: 40 }).reduce<rlp.Item>((inner) => [inner], []);
  expect(() => rlp.decode(rlp.encode(deep))).toThrow(/deep/);
  for (const item of [new Uint8Array(), Uint8Array.of(0x7f), Uint8Array.of(0x80), new Uint8Array(60), [new Uint8Array(300), [Uint8Array.of(1)]]] as rlp.Item[]) expect(rlp.decode(rlp.encode(item))).toEqual(item);
});

// A network of the test's own keys: header 0 of its genesis, and an empty block of the
// second set, whose last transaction was before the change.
function emptyAfterChange() {
  const header = (of: Partial<Record<number, Uint8Array>>): Uint8Array =>
    rlp.encode(Array.from({ length: 21 }, (_, i) => of[i] ?? (i === 6 ? new Uint8Array(256) : [7, 8, 9, 10, 11, 12, 15, 17, 18].includes(i) ? new Uint8Array() : new Uint8Array(i === 2 ? 20 : i === 14 ? 8 : 32))));
  const document = JSON.stringify({ chainId: 1337, validators: first.map((p) => ({ address: hex(p.address) })) });
  const zero = header({ 12: keccak(new TextEncoder().encode(document)) }), genesis = keccak(zero);
  const d: Domain = { chainId: 1337n, genesis }, batchHeader = rlp.encode(Array.from({ length: 11 }, () => new Uint8Array())), digest = keccak(batchHeader);
  const raw = header({ 8: rlp.uint(129n), 12: new Uint8Array(), 13: digest }), hash = keccak(raw), who = [0, 1, 2, 3];
  const preimage = votePreimage(d, kinds.commit, 2n, 0n, 129n, digest, hash);
  const c = {
    number: 129, epoch: 2, view: 0, seq: 129, batchDigest: hex(digest), blockHash: hex(hash), signers: "0x0f", header: hex(raw), batchHeader: hex(batchHeader),
    signatures: who.map((i) => sign(second[i]!.key, preimage)),
  };
  return { birth: { hash: hex(genesis), header: hex(zero), document }, certificate: c, links: [link(1n, first, second, [0, 1, 3], d)], shown: { ...Object.fromEntries(headerOf(raw).fields), hash: hex(hash) } };
}

test("an empty block after a change of the set is verified by the changes, and only by them", () => {
  const w = emptyAfterChange();
  const report = verifyBlock(w.birth, w.birth.hash, w.links, w.certificate, w.shown);
  expect(report.checks.filter((c) => !c.ok)).toEqual([]);
  expect([report.validators, report.signers.length]).toEqual([5, 4]);
  expect(failed(verifyBlock(w.birth, w.birth.hash, [], w.certificate, w.shown))).toBe("signatures");
  const later = link(2n, second, first, [0, 1, 2, 3], { chainId: 1337n, genesis: bytesOf(w.birth.hash) });
  expect(verifyBlock(w.birth, w.birth.hash, [...w.links, later], w.certificate, w.shown).ok).toBe(true);
});

test("where a transaction lies, what it costs and what it makes is shown as it was proven", () => {
  for (const [name, value] of [["blockNumber", "0x1"], ["blockHash", "0x" + "11".repeat(32)], ["transactionIndex", "0x0"], ["blockTimestamp", "0x1"], ["type", "0x2"]] as const) {
    expect(failed(verifyTransaction(birth, pinned, proof, { ...transaction, [name]: value }, receipt)), name).toBe("shown");
  }
  for (const [name, value] of [["blockNumber", "0x1"], ["transactionIndex", "0x0"], ["contractAddress", "0x" + "11".repeat(20)], ["effectiveGasPrice", "0x1"], ["cumulativeGasUsed", "0x1"], ["gasUsed", "0xffffff"], ["gasUsed", "0x0"], ["gasUsed", "x"]] as const) {
    expect(failed(verifyTransaction(birth, pinned, proof, transaction, { ...receipt, [name]: value })), name).toBe("shown");
  }
});

test("the price is that of EIP-1559, and a contract lies where its maker and nonce say", () => {
  const t = { from: "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", nonce: 1n, tip: 2n, cap: 10n } as Transaction;
  expect([price(t, 5n), price(t, 9n), price({ ...t, tip: 7n, cap: 7n }, 3n)]).toEqual([7n, 10n, 7n]);
  expect(created(t)).toBe("0x343c43a37d37dff08ae8c4a11544c718abb4fcf8");
  expect(created({ ...t, nonce: 0n })).toBe("0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d");
});
