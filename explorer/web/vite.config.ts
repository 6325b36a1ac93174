import { defineConfig } from "vitest/config";

// The node serves what this writes below /explorer/. `npm run dev` takes data from a
// devnet on this machine instead.
const node = process.env.QUORATE_RPC ?? "http://127.0.0.1:8545";

export default defineConfig({
  base: "/explorer/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../dist/app",
    emptyOutDir: true,
    target: "es2022",
    // A file of its own for everything: data: URLs would need a weaker policy.
    assetsInlineLimit: 0,
    // The polyfill is an inline script, which the policy forbids; browsers have it.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  server: { proxy: { "^/(v1/.*)?$": { target: node, changeOrigin: true, ws: true } } },
  test: { include: ["test/**/*.test.ts"], environment: "node", setupFiles: ["test/setup.ts"], testTimeout: 120_000 },
});
