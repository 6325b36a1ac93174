import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { whole } from "../lib/format";
import { go, place } from "../lib/router";

/** Pager leads from page to page of a list whose length is known; pages count from 1. */
export function Pager({ at, of, choose }: { at: number; of: number; choose: (page: number) => void }) {
  if (of <= 1) return null;
  const step = (name: string, to: number) => <button type="button" class="plain" disabled={to < 1 || to > of || to === at} onClick={() => choose(to)}>{name}</button>;
  return (
    <nav class="pager" aria-label={t("pages")} data-testid="pager">
      {step(t("first"), 1)}
      {step(t("previous"), at - 1)}
      <span class="num quiet">{whole(at)} / {whole(of)}</span>
      {step(t("next"), at + 1)}
      {step(t("last"), of)}
    </nav>
  );
}

/** pageOf cuts a page out of a list. One that is no number, or outside, is the nearest that is there. */
export function pageOf<T>(all: T[], size: number, asked: string | null): { rows: T[]; at: number; of: number } {
  const of = Math.max(1, Math.ceil(all.length / size));
  const at = asked !== null && /^\d{1,9}$/.test(asked) ? Math.min(of, Math.max(1, Number(asked))) : 1;
  return { rows: all.slice((at - 1) * size, at * size), at, of };
}

/** usePages shows a list page by page; which one is part of the address, so that it can be linked to and survives a reload. */
export function usePages<T>(all: T[], size: number): { rows: T[]; pager: ComponentChildren } {
  const { path, query } = place.value, { rows, at, of } = pageOf(all, size, query.get("page"));
  const choose = (page: number) => {
    const next = new URLSearchParams(query);
    if (page === 1) next.delete("page");
    else next.set("page", String(page));
    go(path + (next.size > 0 ? "?" + next : ""), true);
  };
  return { rows, pager: <Pager at={at} of={of} choose={choose} /> };
}
