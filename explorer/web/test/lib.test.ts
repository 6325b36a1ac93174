import { parseAbiParameters } from "viem";
import { expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { decodeFailure, decodeInput, decodeLog, plain, readAbi } from "../src/lib/abi";
import { readArgument } from "../src/lib/args";
import { csv, json } from "../src/lib/export";
import { ms, printable, short, units, whole } from "../src/lib/format";
import { Parser } from "../src/lib/stream";
import { base58 } from "../src/lib/system";
import { decodeString } from "../src/lib/text";

test("every catalogue has every text, with the same values in it", () => {
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  const values = (s: string) => [...new Set(s.match(/\{\w+\}/g) ?? [])].sort();
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    expect(values(zh[key]), key).toEqual(values(en[key]));
    expect(zh[key].trim().length, key).toBeGreaterThan(0);
  }
});

test("numbers are exact", () => {
  const big = 2n ** 256n - 1n;
  expect(whole(big).replace(/\D/g, "")).toBe(big.toString());
  expect(whole(1234567)).toBe("1\u202f234\u202f567");
  expect(units(1n, 18)).toBe("0.000000000000000001");
  expect(units(10n ** 22n, 18)).toBe("10\u202f000");
  expect(units(123456789012345678901n, 18)).toBe("123.456789012345678901");
  expect(units(-15n, 1)).toBe("−1.5");
  expect(units(42n, 0)).toBe("42");
  expect([ms(950), ms(12_340), ms(1_234_000), ms(61_000_000)]).toEqual(["0.95 ms", "12.3 ms", "1234 ms", "61.0 s"]);
  expect(short("0x" + "ab".repeat(32))).toBe("0xababab…abab");
});

test("text of the chain is harmless to the eye", () => {
  expect(printable("a\u202Eb\u0000c\u200B\u2028d")).toBe("a�b�c��d");
  expect(printable("x".repeat(100), 10)).toBe("xxxxxxxxxx…");
  expect(printable("Z" + "\u0301".repeat(50))).toBe("Z�");
  expect(printable("<script>")).toBe("<script>"); // text is never markup here
});

test("CSV keeps cells apart and runs in no spreadsheet", () => {
  expect(csv([{ a: 'x"y', b: "1,2", c: "=1+1", d: 2n ** 70n, e: null, f: -5 }])).toBe('a,b,c,d,e,f\r\n"x""y","1,2",\'=1+1,1180591620717411303424,,-5\r\n');
  expect(csv([{ t: "+x" }, { t: "@x" }, { t: "-x" }])).toBe("t\r\n'+x\r\n'@x\r\n'-x\r\n");
  expect(json({ n: 2n ** 70n })).toContain('"1180591620717411303424"');
});

test("events come whole, in whatever pieces they travel", () => {
  const text = ": hello\n\nid: 7\nevent: block\ndata: {\"a\":\ndata: 1}\n\nid:8\r\nevent: block\r\ndata:x\r\n\r\ndata: lost";
  for (let size = 1; size < text.length; size++) {
    const p = new Parser(), out = [];
    for (let at = 0; at < text.length; at += size) out.push(...p.push(text.slice(at, at + size)));
    expect(out, `pieces of ${size}`).toEqual([{ id: "7", event: "block", data: '{"a":\n1}' }, { id: "8", event: "block", data: "x" }]);
  }
});

test("names of tokens are read in both forms", () => {
  const word = (n: number) => n.toString(16).padStart(64, "0"), text = (s: string) => Buffer.from(s).toString("hex");
  expect(decodeString("0x" + word(32) + word(5) + text("Token").padEnd(64, "0"))).toBe("Token");
  expect(decodeString("0x" + text("MKR").padEnd(64, "0"))).toBe("MKR");
  expect(decodeString("0x" + word(32) + "f".repeat(64))).toBeUndefined();
  expect(decodeString("0x")).toBeUndefined();
  expect(decodeString("0x" + word(32) + word(500))).toBeUndefined();
});

test("inputs, logs and failures are decoded", () => {
  const to = "0x" + "22".repeat(20), arg = to.slice(2).padStart(64, "0");
  const d = decodeInput("0x" + "33".repeat(20), "0xa9059cbb" + arg + "ff".padStart(64, "0"))!;
  expect([d.name, ...d.args.map((a) => `${a.name} ${a.type} ${plain(a.value)}`.toLowerCase()), d.by]).toEqual(["transfer", `to address ${to}`, "value uint256 255", "standard"]);
  expect(decodeInput(null, "0x12345678")).toBeUndefined();
  expect(decodeInput(to, "0xa9059cbb00")).toBeUndefined();
  const transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", topic = "0x" + arg;
  expect(decodeLog({ address: to, topics: [transfer, topic, topic], data: "0x" + "1".padStart(64, "0") })!.args.map((a) => a.name)).toEqual(["from", "to", "value"]);
  expect(decodeLog({ address: to, topics: [transfer, topic, topic, topic], data: "0x" })!.args.map((a) => a.name)).toEqual(["from", "to", "id"]);
  expect(decodeLog({ address: to, topics: [], data: "0x" })).toBeUndefined();
  expect(decodeFailure(null, "0x08c379a0" + "20".padStart(64, "0") + "2".padStart(64, "0") + "6e6f".padEnd(64, "0"))).toBe("no");
  expect(decodeInput("0x71756f7261746500000000000000000000000002", "0x" + "c9d27afe" + "1".padStart(64, "0") + "1".padStart(64, "0"))?.by).toBe("abi");
});

test("an ABI is read in three forms, and what is none is refused", () => {
  const abi = [{ type: "function", name: "f", stateMutability: "view", inputs: [], outputs: [] }];
  expect(readAbi(JSON.stringify(abi))).toEqual(abi);
  expect(readAbi(JSON.stringify({ abi, bytecode: "0x" }))).toEqual(abi);
  expect(readAbi("function f() view\nevent E(uint256 a)")).toHaveLength(2);
  for (const bad of ["{}", "[1]", '[{"type":"x"}]', '[{"type":"function","name":{}}]', "nonsense", "[".repeat(50_000)]) expect(() => readAbi(bad), bad.slice(0, 20)).toThrow();
});

test("arguments are what they are typed as, exactly", () => {
  const read = (type: string, text: string) => readArgument(parseAbiParameters(type)[0]!, text);
  expect(read("uint256 a", "115792089237316195423570985008687907853269984665640564039457584007913129639935")).toBe(2n ** 256n - 1n);
  expect(read("uint256[] a", "[1, 115792089237316195423570985008687907853269984665640564039457584007913129639935]")).toEqual([1n, 2n ** 256n - 1n]);
  expect(read("(uint256 n, string s)[] a", '[{"n": 12345678901234567890, "s": "x"}, [2, "y"]]')).toEqual([{ n: 12345678901234567890n, s: "x" }, { n: 2n, s: "y" }]);
  expect(read("string[] a", '["id 1234567890123456 [12345678901234567, 1]", "\\"12345678901234567,"]')).toEqual(["id 1234567890123456 [12345678901234567, 1]", '"12345678901234567,']);
  expect(read("bool a", "true")).toBe(true);
  for (const [type, text] of [["uint256 a", "1.5"], ["bool a", "1"], ["address a", "0x12"], ["bytes4 a", "0x12"], ["uint256[2] a", "[1]"], ["uint256[] a", "x"]] as const) expect(() => read(type, text), `${type}: ${text}`).toThrow(/expected|JSON/);
});

test("node ids are written as everywhere else", () => {
  expect(base58("0x0025")).toBe("1e");
  expect(base58("0x")).toBe("");
  expect(base58("0x61")).toBe("2g");
});
