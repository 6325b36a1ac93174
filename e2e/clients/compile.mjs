// Compiles one contract with solc-js: { abi, bytecode }. Files are relative to this
// one; imports are { name: file } of what it imports, anything else comes from
// node_modules.
import { readFileSync } from "node:fs";
import solc from "solc";

const fromPackage = (path) => ({ contents: readFileSync(new URL("node_modules/" + path, import.meta.url), "utf8") });

export function compile(file = "contracts/Store.sol", name = "Store", imports = {}) {
  const read = (path) => ({ content: readFileSync(new URL(path, import.meta.url), "utf8") });
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(Object.entries({ ...imports, [name]: file }).map(([k, path]) => [k, read(path)])),
    settings: {
      evmVersion: "osaka",
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: fromPackage }));
  const faults = (output.errors ?? []).filter((e) => e.severity === "error");
  if (faults.length > 0) throw new Error(faults.map((e) => e.formattedMessage).join("\n"));
  const { abi, evm } = output.contracts[name][name];
  return { abi, bytecode: "0x" + evm.bytecode.object };
}
