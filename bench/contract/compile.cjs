// Compiles BenchToken.sol with solc-js and writes BenchToken.json beside it.
// Usage: npm install --no-save solc@0.8.28 && node compile.cjs
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const solc = require('solc');

const source = fs.readFileSync(path.join(__dirname, 'BenchToken.sol'), 'utf8');
const settings = {
  optimizer: { enabled: true, runs: 10000 },
  evmVersion: 'shanghai',
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
};
const input = { language: 'Solidity', sources: { 'BenchToken.sol': { content: source } }, settings };
const output = JSON.parse(solc.compile(JSON.stringify(input)));
if (output.errors && output.errors.length) {
  console.error(output.errors.map((e) => e.formattedMessage).join('\n'));
  process.exit(1);
}
const contract = output.contracts['BenchToken.sol'].BenchToken;
const artifact = {
  compiler: solc.version(),
  evmVersion: settings.evmVersion,
  sourceSHA256: crypto.createHash('sha256').update(source).digest('hex'),
  abi: contract.abi,
  bytecode: '0x' + contract.evm.bytecode.object,
};
fs.writeFileSync(path.join(__dirname, 'BenchToken.json'), JSON.stringify(artifact, null, 1) + '\n');
