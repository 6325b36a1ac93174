// Compiles one contract with solc-js: { abi, bytecode }. The file is relative to this
// one; what it imports comes from node_modules.
import { readFileSync } from "node:fs";
import solc from "solc";

const fromPackage = (path) => ({ contents: readFileSync(new URL("node_modules/" + path, import.meta.url), "utf8") });

export function compile(file = "contracts/Store.sol", name = "Store") {
  const input = {
    language: "Solidity",
    sources: { [name]: { content: readFileSync(new URL(file, import.meta.url), "utf8") } },
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
