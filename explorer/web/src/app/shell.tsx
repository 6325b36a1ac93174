import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { language, t, type Key } from "../i18n";
import { chainId, client, feed } from "../lib/chain";
import { printable, zone } from "../lib/format";
import { go, href, place } from "../lib/router";
import { denied, limited, online, token } from "../lib/rpc";
import { theme } from "../lib/theme";
import type { Found } from "../lib/search";
import { PageOf, sections } from "./pages";

const shortcuts = signal(false);
const settings = signal(false);

export function Shell() {
  useKeys();
  const path = place.value.path;
  useEffect(() => document.querySelector("nav.nav a[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" }), [path]);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>{t("skip")}</a>
      <header class="top">
        <div class="top-row">
          <a class="brand" href={href("/")} aria-label="Quorate">
            <Logo />
            <span>Quorate</span>
          </a>
          <Search />
          <LiveState />
          <button type="button" class="icon-button" aria-label={t("settings")} title={t("settings")} aria-expanded={settings.value} data-testid="settings" onClick={() => (settings.value = !settings.value)}>
            <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 6h8m4 0h2M3 14h2m4 0h8" /><circle cx="13" cy="6" r="2" /><circle cx="7" cy="14" r="2" /></svg>
          </button>
        </div>
        <nav class="nav" aria-label={t("nav")}>
          {sections.map((s) => (
            <a key={s.path} href={href(s.path)} aria-current={s.path === path || s.also?.test(path) ? "page" : undefined}>{t(s.name)}</a>
          ))}
        </nav>
      </header>
      {settings.value && <Settings />}
      {denied.value && <Token />}
      {!online.value && <p class="offline" role="alert">{t("offline")}</p>}
      <main id="main" tabIndex={-1}>
        <PageOf path={path} />
      </main>
      <footer class="foot">
        <span>{client.value.split("/").slice(0, 2).join(" ") || "Quorate"}{chainId.value !== undefined && ` · ${t("tile.chain", { id: chainId.value })}`}</span>
        <button type="button" class="plain" onClick={() => (shortcuts.value = true)}>{t("keys")} <kbd>?</kbd></button>
      </footer>
      {shortcuts.value && <Shortcuts />}
    </>
  );
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="16" cy="6" r="4.4" /><circle cx="26" cy="16" r="4.4" /><circle cx="16" cy="26" r="4.4" /><circle class="hollow" cx="6" cy="16" r="3.6" />
    </svg>
  );
}

/** LiveState says whether what is shown is live. */
function LiveState() {
  const f = feed.value;
  return (
    <span class={"live " + f} role="status" data-testid="feed" data-feed={f} title={t(`feed.${f}`)}>
      <i aria-hidden="true" />
      <span class="live-text">{t(`feed.${f}`)}</span>
    </span>
  );
}

const typed = 180; // ms of quiet before names are looked for
const foundShown = 8;

/** look is what is found for a text: nothing, too, where the node does not answer. */
const look = async (text: string): Promise<Found[]> => (await import("../lib/search").then((m) => m.find(text)).catch(() => [])).slice(0, foundShown);

function Search() {
  const [text, setText] = useState(""), [found, setFound] = useState<{ of: string; list: Found[] } | undefined>(), [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (text.trim() === "") return setFound(undefined);
    let current = true;
    const timer = setTimeout(() => void look(text).then((list) => current && (setFound({ of: text, list }), setAt(0))), typed);
    return () => { current = false; clearTimeout(timer); };
  }, [text]);
  const open = (f: Found | undefined) => {
    if (!f) return;
    setText("");
    input.current?.blur();
    go(f.path);
  };
  // Who types on and presses Enter at once does not mean what was found for the text before.
  const submit = async () => open(found?.of === text ? found.list[at] : (await look(text))[0]);
  const list = found?.list;
  const key = (e: KeyboardEvent) => {
    if (e.key === "Escape") { setText(""); input.current?.blur(); }
    if (!list?.length || (e.key !== "ArrowDown" && e.key !== "ArrowUp")) return;
    e.preventDefault();
    setAt((at + (e.key === "ArrowDown" ? 1 : list.length - 1)) % list.length);
  };
  return (
    <form class="search" role="search" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
      <svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="9" cy="9" r="5.5" /><path d="M13.2 13.2L17 17" /></svg>
      <input ref={input} id="search" type="search" role="combobox" list={undefined} aria-expanded={!!list} aria-controls="found" aria-activedescendant={list?.length ? `found-${at}` : undefined} aria-autocomplete="list" aria-label={t("search")} placeholder={t("search.hint")} spellcheck={false} autocomplete="off" autocapitalize="off" value={text} onInput={(e) => setText(e.currentTarget.value)} onKeyDown={key} onBlur={() => setTimeout(() => setFound(undefined), 150)} />
      <kbd class="search-key" aria-hidden="true">/</kbd>
      {list && (
        <ul id="found" role="listbox" aria-label={t("search")} class="found" onMouseDown={(e) => e.preventDefault()}>
          {list.map((f, i) => (
            <li key={f.path} id={`found-${i}`} class="item" role="option" aria-selected={i === at} onClick={() => open(f)}>
              <span class="quiet">{t(`found.${f.kind}`)}</span> <bdi class={f.text.startsWith("0x") ? "mono" : undefined}>{printable(f.text, 70)}</bdi>
            </li>
          ))}
          {list.length === 0 && <li class="nothing" role="option" aria-selected={false}>{t("search.nothing")}</li>}
        </ul>
      )}
    </form>
  );
}

function Choice<T extends string>({ name, value, options, choose }: { name: string; value: T; options: [T, string][]; choose: (v: T) => void }) {
  return (
    <fieldset class="choice">
      <legend>{name}</legend>
      {options.map(([id, text]) => (
        <label key={id}>
          <input type="radio" name={name} checked={id === value} onChange={() => choose(id)} data-testid={`choose-${id}`} />
          <span lang={id === "zh" ? "zh-CN" : undefined}>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Settings() {
  return (
    <section class="settings" aria-label={t("settings")}>
      <Choice name={t("settings.theme")} value={theme.value} options={[["system", t("theme.system")], ["light", t("theme.light")], ["dark", t("theme.dark")]]} choose={(v) => (theme.value = v)} />
      <Choice name={t("settings.language")} value={language.value} options={[["en", "English"], ["zh", "中文"]]} choose={(v) => (language.value = v)} />
      <Choice name={t("settings.zone")} value={zone.value} options={[["local", t("zone.local")], ["utc", "UTC"]]} choose={(v) => (zone.value = v)} />
      {token.value && <button type="button" class="plain" onClick={() => (token.value = "")}>{t("token.forget")}</button>}
      {limited.value && !denied.value && <Token />}
    </section>
  );
}

/** Token asks for what opens a node that asks who calls. */
function Token() {
  const [text, setText] = useState("");
  return (
    <form class="token" onSubmit={(e) => { e.preventDefault(); token.value = text.trim(); }}>
      <p>{t("token.asked")}</p>
      {denied.value && token.value && <p class="failed" role="alert">{t("token.refused")}</p>}
      <label class="field"><span>{t("token.label")}</span><input type="password" autocomplete="off" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
      <button type="submit" class="primary" disabled={!text.trim()}>{t("token.use")}</button>
    </form>
  );
}

const keyList: [string, Key][] = [["/", "keys.search"], ["j  k", "keys.step"], ["p", "keys.pause"], ["?", "keys.help"], ["Esc", "keys.close"]];

function Shortcuts() {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => box.current?.showModal(), []);
  return (
    <dialog ref={box} class="shortcuts" aria-labelledby="keys-title" onClose={() => (shortcuts.value = false)} onClick={(e) => e.target === box.current && box.current?.close()}>
      <h2 id="keys-title">{t("keys")}</h2>
      <dl>
        {keyList.map(([k, name]) => <div key={k}><dt><kbd>{k}</kbd></dt><dd>{t(name)}</dd></div>)}
        {sections.map((s) => <div key={s.key}><dt><kbd>g {s.key}</kbd></dt><dd>{t(s.name)}</dd></div>)}
      </dl>
      <button type="button" class="primary" onClick={() => box.current?.close()}>{t("close")}</button>
    </dialog>
  );
}

const second = 1200; // ms in which the second key of g x must follow

function useKeys(): void {
  useEffect(() => {
    let led = 0;
    const key = (e: KeyboardEvent) => {
      if (e.metaKey || e.ctrlKey || e.altKey || (e.target as Element).closest?.("input,textarea,select,dialog")) return;
      if (Date.now() - led < second) {
        const to = sections.find((s) => s.key === e.key);
        led = 0;
        if (to) return go(to.path);
      }
      if (e.key === "g") led = Date.now();
      else if (e.key === "/") {
        e.preventDefault();
        document.getElementById("search")?.focus();
      } else if (e.key === "?") shortcuts.value = true;
      else if (e.key === "Escape") settings.value = false;
      else if (e.key === "j" || e.key === "k") dispatchEvent(new CustomEvent("quorate:step", { detail: e.key === "j" ? 1 : -1 }));
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
}
