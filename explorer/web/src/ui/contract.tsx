import { useState } from "preact/hooks";
import { decodeFunctionResult, encodeFunctionData, type Abi, type AbiFunction, type AbiParameter } from "viem";
import { t } from "../i18n";
import { abiOf, plain, readAbi, storeAbi, storedAbi, system } from "../lib/abi";
import { readArgument } from "../lib/args";
import { chainId } from "../lib/chain";
import { bytes, printable } from "../lib/format";
import { json, save } from "../lib/export";
import { call } from "../lib/rpc";
import { href } from "../lib/router";
import { discover, submit, wallets, type Wallet } from "../lib/wallet";
import { Card, Long } from "./basics";

/** Contract reads and writes a contract by its ABI, which stays in this browser. */
export function Contract({ address, code }: { address: string; code: string }) {
  const [, again] = useState(0);
  const abi = abiOf(address);
  const functions = (abi ?? []).filter((x): x is AbiFunction => x.type === "function");
  const reads = functions.filter((f) => f.stateMutability === "view" || f.stateMutability === "pure");
  const writes = functions.filter((f) => !reads.includes(f));
  return (
    <>
      <AbiCard address={address} abi={abi} changed={() => again((n) => n + 1)} />
      {reads.length > 0 && (
        <Card title={t("contract.read")} id="contract-read">
          {reads.map((f) => <Method key={signature(f)} f={f} address={address} abi={[f]} />)}
        </Card>
      )}
      {writes.length > 0 && (
        <Card title={t("contract.write")} id="contract-write" note={t("contract.write.note")}>
          {writes.map((f) => <Method key={signature(f)} f={f} address={address} abi={[f]} writes />)}
        </Card>
      )}
      <Card title={t("code")} actions={<button type="button" class="plain" onClick={() => save(`${address}.hex`, "text/plain", code)}>{t("download")}</button>}>
        <details class="raw"><summary>{bytes((code.length - 2) / 2)}</summary><pre tabIndex={0}>{code.length > 8192 ? code.slice(0, 8192) + "…" : code}</pre></details>
      </Card>
    </>
  );
}

const signature = (f: AbiFunction): string => `${f.name}(${f.inputs.map((i) => i.type).join(",")})`;

function AbiCard({ address, abi, changed }: { address: string; abi?: Abi; changed: () => void }) {
  const [text, setText] = useState(""), [error, setError] = useState("");
  const own = storedAbi(address);
  const keep = () => {
    try {
      storeAbi(address, readAbi(text));
      setText("");
      setError("");
      changed();
    } catch (e) {
      setError(e instanceof Error ? e.message : String(e));
    }
  };
  return (
    <Card
      title="ABI"
      id="abi"
      note={own ? t("abi.own", { n: own.length }) : system[address] ? t("abi.system") : t("abi.none")}
      actions={own && (
        <>
          <button type="button" class="plain" onClick={() => save(`${address}-abi.json`, "application/json", json(own))}>JSON</button>
          <button type="button" class="plain" onClick={() => { storeAbi(address, undefined); changed(); }}>{t("abi.forget")}</button>
        </>
      )}
    >
      <details open={!abi}>
        <summary>{t("abi.give")}</summary>
        <label class="field">
          <span>{t("abi.hint")}</span>
          <textarea rows={5} spellcheck={false} value={text} data-testid="abi-text" onInput={(e) => setText(e.currentTarget.value)} />
        </label>
        {error && <p class="failed" role="alert">{printable(error, 300)}</p>}
        <button type="button" class="primary" disabled={!text.trim()} data-testid="abi-keep" onClick={keep}>{t("abi.keep")}</button>
      </details>
    </Card>
  );
}

type Outcome = { values?: [string, string][]; hash?: string; error?: string };

function Method({ f, address, abi, writes }: { f: AbiFunction; address: string; abi: Abi; writes?: boolean }) {
  const [args, setArgs] = useState<string[]>(() => f.inputs.map(() => "")), [value, setValue] = useState("0");
  const [outcome, setOutcome] = useState<Outcome>({}), [asks, setAsks] = useState(false);
  const encode = () => encodeFunctionData({ abi, functionName: f.name, args: f.inputs.map((p, i) => readArgument(p, args[i] ?? "")) } as never) as string;
  const guard = async (work: () => Promise<Outcome>) => setOutcome(await work().catch((e: unknown) => ({ error: e instanceof Error ? ((e as { shortMessage?: string }).shortMessage ?? e.message) : String(e) })));
  const read = () => guard(async () => {
    const data = (await call<string>("eth_call", { to: address, data: encode() }, "latest")) as `0x${string}`;
    const result = decodeFunctionResult({ abi, functionName: f.name, data } as never) as unknown;
    const list = f.outputs.length === 1 ? [result] : Array.isArray(result) ? (result as unknown[]) : Object.values((result ?? {}) as object);
    return { values: f.outputs.map((o, i): [string, string] => [`${o.name ? o.name + " " : ""}${o.type}`, plain(list[i])]) };
  });
  const write = (w: Wallet) => guard(async () => {
    setAsks(false);
    return { hash: await submit(w, chainId.value ?? 0n, address, encode(), BigInt(value || "0")) };
  });
  return (
    <details class="method">
      <summary><span class="mono">{printable(f.name, 60)}</span> <span class="quiet mono">({f.inputs.map((i) => i.type).join(", ")})</span></summary>
      <form onSubmit={(e) => { e.preventDefault(); if (writes) { discover(); setAsks(true); } else void read(); }}>
        {f.inputs.map((p, i) => <Input key={i} p={p} at={i} value={args[i] ?? ""} set={(v) => setArgs(args.map((x, j) => (j === i ? v : x)))} />)}
        {writes && f.stateMutability === "payable" && <label class="field"><span>wei</span><input inputMode="numeric" value={value} onInput={(e) => setValue(e.currentTarget.value)} /></label>}
        <button type="submit" class="primary">{writes ? t("contract.send") : t("contract.ask")}</button>
      </form>
      {asks && (
        <div class="wallets" role="group" aria-label={t("wallet.choose")}>
          {wallets.value.length === 0 ? <p class="note">{t("wallet.none")}</p> : wallets.value.map((w) => <button key={w.info.uuid} type="button" class="plain" onClick={() => void write(w)}>{printable(w.info.name, 40)}</button>)}
        </div>
      )}
      {outcome.error !== undefined && <p class="failed" role="alert">{printable(outcome.error, 400)}</p>}
      {outcome.hash !== undefined && <p class="result">{t("contract.sent")} <a class="mono" href={href("/tx/" + outcome.hash)}>{outcome.hash}</a></p>}
      {outcome.values && <dl class="args result" data-testid="result">{outcome.values.map(([name, v], i) => <div key={i}><dt class="mono quiet">{printable(name, 60)}</dt><dd><Long text={printable(v, 4000)} /></dd></div>)}</dl>}
    </details>
  );
}

function Input({ p, at, value, set }: { p: AbiParameter; at: number; value: string; set: (v: string) => void }) {
  return (
    <label class="field">
      <span class="mono">{printable(p.name || String(at), 40)} <span class="quiet">{p.type}</span></span>
      <input value={value} spellcheck={false} autocomplete="off" placeholder={p.type.includes("[") || p.type === "tuple" ? "JSON" : undefined} onInput={(e) => set(e.currentTarget.value)} />
    </label>
  );
}
