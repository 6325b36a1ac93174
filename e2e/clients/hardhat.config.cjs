// Hardhat 2 on a network that runs already: `hardhat test` with $CLIENTS_NETWORK,
// the JSON object that the scripts get as their argument (see harness.mjs).
const { extendProvider, subtask } = require("hardhat/config");
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require("hardhat/builtin-tasks/task-names");
const { ProviderWrapper } = require("hardhat/plugins");
const solc = require("solc/package.json");
require("@nomicfoundation/hardhat-chai-matchers");
require("@nomicfoundation/hardhat-ethers");
const { sent } = require("./hardhat/reporter.cjs");

const network = JSON.parse(process.env.CLIENTS_NETWORK);

// The compiler is npm's: nothing is downloaded.
subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => ({
  version: solc.version,
  longVersion: solc.version,
  compilerPath: require.resolve("solc/soljson.js"),
  isSolcJs: true,
}));

// Every transaction is noted, for the test to compare on all nodes.
class Noting extends ProviderWrapper {
  async request(args) {
    const result = await this._wrappedProvider.request(args);
    if (args.method === "eth_sendTransaction" || args.method === "eth_sendRawTransaction") sent.push(result);
    return result;
  }
}
extendProvider(async (provider) => new Noting(provider));

module.exports = {
  defaultNetwork: "devnet",
  networks: {
    devnet: { url: network.rpc[0], chainId: network.chainId, accounts: network.keys },
  },
  solidity: {
    version: solc.version,
    settings: { evmVersion: "osaka", optimizer: { enabled: true, runs: 200 } },
  },
  paths: {
    sources: "hardhat/contracts",
    tests: "hardhat/test",
    artifacts: "node_modules/.cache/hardhat/artifacts",
    cache: "node_modules/.cache/hardhat/cache",
  },
  mocha: { reporter: require.resolve("./hardhat/reporter.cjs"), timeout: 60_000, bail: true },
};
