// What the overview needs at first load, gzipped, against the budget: index.html, the
// scripts that it names with what these import at once, and the styles.
import { readFileSync } from "node:fs";

const root = new URL("../../dist/app/", import.meta.url).pathname;
const budget = 120_000; // bytes
const html = readFileSync(root + "index.html", "utf8");
const queue = [...html.matchAll(/(?:src|href)="\/explorer\/(assets\/[^"]+)"/g)].map((m) => m[1]), seen = new Set();

while (queue.length > 0) {
  const name = queue.pop();
  if (seen.has(name)) continue;
  seen.add(name);
  if (!name.endsWith(".js")) continue;
  const code = readFileSync(root + name, "utf8");
  for (const m of code.matchAll(/(?:^|[;}\n])\s*(?:import|export)[^"'()]*?from\s*["']\.\/([^"']+)["']|(?:^|[;}\n])import\s*["']\.\/([^"']+)["']/g)) queue.push("assets/" + (m[1] ?? m[2]));
}

const size = (name) => readFileSync(root + name + ".gz").length;
const total = [...seen, "index.html"].reduce((n, name) => n + size(name), 0);
for (const name of seen) console.log(`${String(size(name)).padStart(8)}  ${name}`);
console.log(`${String(total).padStart(8)}  bytes gzipped at first load, the budget is ${budget}`);
process.exit(total <= budget ? 0 : 1);
