// Mocha's results as the lines of harness.mjs: {"check", "ms"} for each test, and
// at the end {"transactions"}.
const sent = [];

const line = (value) => process.stdout.write(JSON.stringify(value) + "\n");

module.exports = function Reporter(runner) {
  runner.on("pass", (test) => line({ check: test.fullTitle(), ms: Math.round(test.duration) }));
  runner.on("fail", (test, error) => console.error(`${test.fullTitle()}: ${error.stack ?? error}`));
  runner.on("end", () => line({ transactions: sent }));
};
module.exports.sent = sent;
