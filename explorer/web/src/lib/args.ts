import type { AbiParameter } from "viem";

/** readArgument turns what a user types into a value of an ABI type, or says what is expected. */
export function readArgument(p: AbiParameter, text: string): unknown {
  const nested = p.type.includes("[") || p.type.startsWith("tuple");
  if (!nested) return scalar(p.type, text, p.name);
  let doc: unknown;
  try {
    // Numbers beyond 2^53 would lose digits as JSON numbers: they are quoted first.
    doc = JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (x) => (x.startsWith('"') ? x : `"${x}"`)));
  } catch {
    throw new Error(`${p.name || p.type}: ${p.type} is written as JSON`);
  }
  return structured(p, p.type, doc);
}

function structured(p: AbiParameter, type: string, doc: unknown): unknown {
  const list = /^(.*)\[(\d*)\]$/.exec(type);
  if (list) {
    if (!Array.isArray(doc)) throw new Error(`${p.name || type}: a list is expected`);
    if (list[2] && doc.length !== Number(list[2])) throw new Error(`${p.name || type}: ${list[2]} values are expected`);
    return doc.map((x: unknown) => structured(p, list[1]!, x));
  }
  if (type !== "tuple") return scalar(type, typeof doc === "string" ? doc : JSON.stringify(doc), p.name);
  const parts = (p as { components?: readonly AbiParameter[] }).components ?? [];
  if (!doc || typeof doc !== "object") throw new Error(`${p.name || type}: an object or a list is expected`);
  return Object.fromEntries(parts.map((c, i) => [c.name ?? String(i), structured(c, c.type, Array.isArray(doc) ? (doc as unknown[])[i] : (doc as Record<string, unknown>)[c.name ?? ""])]));
}

function scalar(type: string, text: string, name?: string): unknown {
  const what = name || type, value = text.trim();
  if (/^u?int/.test(type)) {
    if (!/^(-?\d+|0x[0-9a-fA-F]+)$/.test(value)) throw new Error(`${what}: a whole number is expected`);
    return BigInt(value);
  }
  if (type === "bool") {
    if (value !== "true" && value !== "false") throw new Error(`${what}: true or false is expected`);
    return value === "true";
  }
  if (type === "address") {
    if (!/^0x[0-9a-fA-F]{40}$/.test(value)) throw new Error(`${what}: an address is expected, 0x and 40 hexadecimal digits`);
    return value.toLowerCase();
  }
  if (type.startsWith("bytes")) {
    const length = Number(type.slice(5));
    if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(value) || (length > 0 && value.length !== 2 + 2 * length)) throw new Error(`${what}: ${length || ""} bytes in hexadecimal are expected, 0x…`);
    return value;
  }
  return text;
}
