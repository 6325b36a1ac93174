// Compiles contracts/Store.sol with solc-js: { abi, bytecode }.
import { readFileSync } from "node:fs";
import solc from "solc";

export function compile() {
  const input = {
    language: "Solidity",
    sources: { "Store.sol": { content: readFileSync(new URL("contracts/Store.sol", import.meta.url), "utf8") } },
    settings: {
      evmVersion: "osaka",
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const faults = (output.errors ?? []).filter((e) => e.severity === "error");
  if (faults.length > 0) throw new Error(faults.map((e) => e.formattedMessage).join("\n"));
  const { abi, evm } = output.contracts["Store.sol"].Store;
  return { abi, bytecode: "0x" + evm.bytecode.object };
}
