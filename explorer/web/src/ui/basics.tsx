import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { csv, json, save, type Row } from "../lib/export";
import { moment, now, printable, short } from "../lib/format";
import { href } from "../lib/router";
import { lost, online, RpcError, token } from "../lib/rpc";
import { nameOf } from "../lib/sets";

/** Card is a titled part of a page. */
export function Card({ title, id, actions, note, children, flush }: { title?: ComponentChildren; id?: string; actions?: ComponentChildren; note?: ComponentChildren; children: ComponentChildren; flush?: boolean }) {
  return (
    <section class={flush ? "card flush" : "card"} data-testid={id}>
      {(title || actions) && (
        <header class="card-head">
          <h2>{title}</h2>
          {actions && <div class="actions">{actions}</div>}
        </header>
      )}
      {note && <p class="card-note">{note}</p>}
      {children}
    </section>
  );
}

/** Title is the head of a page. */
export function Title({ children, sub }: { children: ComponentChildren; sub?: ComponentChildren }) {
  return (
    <div class="title">
      <h1>{children}</h1>
      {sub && <p class="sub">{sub}</p>}
    </div>
  );
}

/** Facts is a list of names and values. */
export function Facts({ rows }: { rows: ([name: string, value: ComponentChildren] | false | undefined)[] }) {
  return (
    <dl class="facts">
      {rows.map(
        (r) =>
          r && (
            <div key={r[0]}>
              <dt>{r[0]}</dt>
              <dd>{r[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** copy puts a text on the clipboard, also where a page without TLS may not use the newer way. */
async function copy(text: string): Promise<boolean> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** Copy puts a text on the clipboard. */
export function Copy({ text }: { text: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1200);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button class="copy" type="button" title={t("copy")} aria-label={t("copy")} onClick={() => void copy(text).then(setDone)}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {done ? <path d="M3.5 8.5l3 3 6-7" /> : <path d="M5.5 5.5v-2h7v7h-2M3.5 5.5h7v7h-7z" />}
      </svg>
    </button>
  );
}

/** Mark is a spot whose colour is the address's own, to know it again. */
export function Mark({ address }: { address: string }) {
  const seed = parseInt(address.slice(2, 10), 16);
  return (
    <svg class="mark" viewBox="0 0 10 10" aria-hidden="true">
      <circle cx="5" cy="5" r="5" fill={`hsl(${seed % 360} 42% 55%)`} />
      <circle cx={3.6 + ((seed >>> 10) % 4) * 0.9} cy={3.6 + ((seed >>> 16) % 4) * 0.9} r="1.7" fill={`hsl(${(seed + 70) % 360} 48% 74%)`} />
    </svg>
  );
}

/** Address is an account, by its name where it has one. */
export function Address({ value, full, copy }: { value: string; full?: boolean; copy?: boolean }) {
  const name = nameOf(value);
  return (
    <span class="address">
      <Mark address={value} />
      <a href={href("/address/" + value.toLowerCase())} title={value} class={name ? undefined : "mono"}>
        {name ? printable(name, 32) : full ? <Long text={value} /> : short(value)}
      </a>
      {copy && <Copy text={value} />}
    </span>
  );
}

/** Long is a hash that wraps nicely where it must. */
export function Long({ text }: { text: string }) {
  return <span class="long mono">{text}</span>;
}

/** Hash is a hash, as a link or plain. */
export function Hash({ value, to, full, copy }: { value: string; to?: string; full?: boolean; copy?: boolean }) {
  const shown = full ? <Long text={value} /> : short(value, 8, 6);
  return (
    <span class="hash mono">
      {to ? <a href={href(to)} title={value}>{shown}</a> : <span title={value}>{shown}</span>}
      {copy && <Copy text={value} />}
    </span>
  );
}

export const BlockLink = ({ number }: { number: bigint | number | string }) => (
  <a class="num" href={href("/block/" + BigInt(number).toString())} data-testid="block-link">
    {BigInt(number).toString()}
  </a>
);

/** age writes how long ago something was. */
export function age(seconds: number): string {
  const s = Math.max(0, Math.floor(now.value / 1000 - seconds));
  if (s < 60) return t("ago.s", { n: s });
  if (s < 3600) return t("ago.m", { n: Math.floor(s / 60) });
  if (s < 86400) return t("ago.h", { n: Math.floor(s / 3600) });
  return t("ago.d", { n: Math.floor(s / 86400) });
}

export const Age = ({ at }: { at: number }) => (
  <time dateTime={new Date(at * 1000).toISOString()} title={moment(at)} class="age">
    {age(at)}
  </time>
);

/** Badge is a word about a state. */
export const Badge = ({ kind, children }: { kind: "ok" | "bad" | "warn" | "quiet" | "info"; children: ComponentChildren }) => <span class={"badge " + kind}>{children}</span>;

export const Note = ({ children }: { children: ComponentChildren }) => <p class="note" role="note">{children}</p>;

/** Failed says in words what went wrong. */
export function Failed({ error }: { error: unknown }) {
  const text = error instanceof RpcError || error instanceof Error ? error.message : String(error);
  return (
    <p class="failed" role="alert">
      {t("failed")} <span class="quiet">{printable(text, 400)}</span>
    </p>
  );
}

/** Wait holds the place of what comes. */
export const Wait = ({ lines = 3 }: { lines?: number }) => (
  <div class="wait" aria-busy="true" aria-label={t("loading")} role="status">
    {Array.from({ length: lines }, (_, i) => (
      <div key={i} class="bar" />
    ))}
  </div>
);

export interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  right?: boolean;
  wide?: boolean; // left out on a narrow screen
}

/** Table is a list; on a narrow screen each row is a small card. */
export function Table<T>({ rows, columns, empty, keyOf, label }: { rows: T[]; columns: Column<T>[]; empty: string; keyOf: (row: T) => string; label: string }) {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    <table class="list" aria-label={label}>
      <thead>
        <tr>
          {columns.map((c) => (
            <th key={c.name} scope="col" class={c.right ? "right" : undefined}>{c.name}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((r) => (
          <tr key={keyOf(r)}>
            {columns.map((c) => (
              <td key={c.name} data-label={c.name} class={(c.right ? "right" : "") + (c.wide ? " wide" : "")}>{c.cell(r)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Exports saves a list as it is shown. */
export function Exports({ name, rows }: { name: string; rows: () => Row[] }) {
  return (
    <>
      <button type="button" class="plain" onClick={() => save(name + ".csv", "text/csv", csv(rows()))}>CSV</button>
      <button type="button" class="plain" onClick={() => save(name + ".json", "application/json", json(rows()))}>JSON</button>
    </>
  );
}

/** Tabs choose between parts of a page; the choice is part of the address. */
export function Tabs<T extends string>({ tabs, chosen, choose }: { tabs: [T, string][]; chosen: T; choose: (t: T) => void }) {
  const key = (e: KeyboardEvent) => {
    if (e.key !== "ArrowRight" && e.key !== "ArrowLeft") return;
    e.preventDefault();
    const at = tabs.findIndex(([id]) => id === chosen), next = (at + (e.key === "ArrowRight" ? 1 : tabs.length - 1)) % tabs.length;
    choose(tabs[next]![0]);
    ((e.currentTarget as Element).children[next] as HTMLElement).focus();
  };
  return (
    <div class="tabs" role="tablist" onKeyDown={key}>
      {tabs.map(([id, name]) => (
        <button key={id} type="button" role="tab" aria-selected={id === chosen} tabIndex={id === chosen ? 0 : -1} data-testid={"tab-" + id} onClick={() => choose(id)}>{name}</button>
      ))}
    </div>
  );
}

export interface Loaded<T> {
  value?: T;
  error?: unknown;
}

/**
 * useLoad loads something whenever one of its keys changes, and keeps the old one
 * meanwhile. What could not be had because the node did not answer is asked for again
 * once it does, or once there is another token.
 */
export function useLoad<T>(load: () => Promise<T>, keys: unknown[]): Loaded<T> {
  const [state, set] = useState<Loaded<T> & { missed?: boolean }>({}), [tries, again] = useState(0);
  const key = JSON.stringify([...keys, token.value], (_, v: unknown) => (typeof v === "bigint" ? v.toString() : v));
  useEffect(() => {
    let current = true;
    load().then(
      (value) => current && set({ value }),
      (error: unknown) => current && set((old) => (!lost(error) ? { error } : old.value === undefined ? { error, missed: true } : { ...old, missed: true })),
    );
    return () => void (current = false);
  }, [key, tries]);
  const retry = !!state.missed && online.value;
  useEffect(() => {
    if (retry) again((n) => n + 1);
  }, [retry]);
  return state;
}

/** useTitle names the page in the window. */
export function useTitle(text: string): void {
  useEffect(() => {
    document.title = text + " · Quorate";
  }, [text]);
}
