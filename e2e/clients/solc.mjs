#!/usr/bin/env node
// solc-js behind the command line of solc, as far as forge uses it: --version, and
// --standard-json from standard input. forge hands in every source, so the options
// for paths have no meaning here.
import { readFileSync } from "node:fs";
import solc from "solc";

const args = process.argv.slice(2);
if (args.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (args.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  console.error(`solc.mjs: ${args.join(" ")}: only --version and --standard-json`);
  process.exitCode = 1;
}
