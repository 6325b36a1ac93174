import { signal } from "@preact/signals";
import { en } from "./en";

export type Key = keyof typeof en;
export type Catalogue = Record<Key, string>;
export type Language = "en" | "zh";

const key = "quorate.language";
const stored = localStorage.getItem(key);
const catalogue = signal<Catalogue>(en);

/** language is what the texts are in. */
export const language = signal<Language>(stored === "zh" || (stored === null && navigator.language.startsWith("zh")) ? "zh" : "en");

language.subscribe(async (l) => {
  localStorage.setItem(key, l);
  const next = l === "zh" ? (await import("./zh")).zh : en;
  if (language.peek() !== l) return;
  catalogue.value = next;
  document.documentElement.lang = l === "zh" ? "zh-CN" : "en";
});

/** t is a text in the language of the user, with {names} put in. */
export function t(name: Key, values?: Record<string, string | number | bigint>): string {
  const text = catalogue.value[name];
  return values ? text.replace(/\{(\w+)\}/g, (all, n: string) => (n in values ? String(values[n]) : all)) : text;
}
