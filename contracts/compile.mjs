#!/usr/bin/env node
// Compiles the system contracts with the solc-js that the lock file of e2e/clients
// pins, and writes artefacts/NAME.json: ABI, runtime code, storage layout. With
// --check it compares instead and fails where they differ.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const solc = createRequire(new URL("../e2e/clients/package.json", import.meta.url))("solc");
const here = (name) => new URL(name, import.meta.url);
const deployed = ["Validators", "AllowList", "Observers", "Parameters"];
const files = ["Council", "Roles", "Text", ...deployed].map((name) => name + ".sol");

const sources = Object.fromEntries(files.map((f) => [f, { content: readFileSync(here(f), "utf8") }]));
const settings = {
  evmVersion: "osaka",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.deployedBytecode.object", "storageLayout"] } },
};
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
if (output.errors?.length) {
  console.error(output.errors.map((e) => e.formattedMessage).join("\n"));
  process.exit(1);
}

const hashes = Object.fromEntries(
  files.sort().map((f) => [f, createHash("sha256").update(sources[f].content).digest("hex")]),
);
let differ = false;
for (const name of deployed) {
  const { abi, evm, storageLayout } = output.contracts[name + ".sol"][name];
  // The ids of the syntax tree depend on every other file: types lose them.
  const plain = JSON.parse(JSON.stringify(storageLayout).replaceAll(/\)\d+_/g, ")_"));
  const drop = ({ astId, contract, ...rest }) => rest;
  plain.storage = plain.storage.map(drop);
  for (const t of Object.values(plain.types)) if (t.members) t.members = t.members.map(drop);
  const artefact = {
    compiler: solc.version(),
    evmVersion: settings.evmVersion,
    sources: hashes,
    code: "0x" + evm.deployedBytecode.object,
    abi,
    storageLayout: plain,
  };
  const file = here(`artefacts/${name}.json`);
  const text = JSON.stringify(artefact, null, 1) + "\n";
  if (process.argv.includes("--check")) {
    if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
      differ = true;
      console.error(`artefacts/${name}.json is not what the sources compile to: run node compile.mjs and commit it`);
    }
  } else {
    writeFileSync(file, text);
  }
  console.log(`${name}: ${evm.deployedBytecode.object.length / 2} bytes`);
}
process.exitCode = differ ? 1 : 0;
