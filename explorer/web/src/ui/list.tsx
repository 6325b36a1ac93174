import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import type { Page } from "../lib/index";
import type { Row } from "../lib/export";
import { RpcError } from "../lib/rpc";
import { Card, Exports, Failed, Table, useLoad, Wait, type Column } from "./basics";

/** off reports whether an answer says that the node keeps no such index. */
export const off = (error: unknown): boolean => error instanceof RpcError && (error.code === -32601 || (error.code === -32000 && /index/.test(error.message)));

/**
 * Indexed is a list from the index of the node, page by page; one calm sentence where it is
 * off. keys say which list it is: with others it begins anew. The first page is loaded
 * again whenever fresh changes; who reads an older one is left in peace. With both the list
 * can be read from either end.
 */
export function Indexed<T>({ title, id, load, both, keys, fresh, columns, keyOf, empty, row, label }: { title?: string; id?: string; load: (cursor: string | null, oldestFirst: boolean) => Promise<Page<T>>; both?: boolean; keys: unknown[]; fresh?: unknown; columns: Column<T>[]; keyOf: (x: T) => string; empty: string; row: (x: T) => Row; label: string }) {
  const [trail, setTrail] = useState<(string | null)[]>([null]), [oldestFirst, setOldestFirst] = useState(false);
  const key = JSON.stringify(keys);
  useEffect(() => (setTrail([null]), setOldestFirst(false)), [key]);
  const cursor = trail[trail.length - 1] ?? null;
  const page = useLoad(async () => ({ of: cursor, from: oldestFirst, ...(await load(cursor, oldestFirst)) }), [...keys, cursor, oldestFirst, cursor === null ? fresh : 0]);
  const items = page.value?.items, next = page.value?.of === cursor && page.value.from === oldestFirst ? page.value.next : null; // of the page before it would lead to this one again
  return (
    <Card title={title} id={id} flush actions={items && items.length > 0 && <Exports name={id ?? "list"} rows={() => items.map(row)} />}>
      {page.error ? off(page.error) ? <p class="empty">{t("index.off")}</p> : <Failed error={page.error} /> : !items ? <Wait lines={6} /> : <Table rows={items} columns={columns} keyOf={keyOf} empty={empty} label={label} />}
      {page.value && (trail.length > 1 || page.value.next) && (
        <nav class="pager" aria-label={t("pages")}>
          {both && <button type="button" class="plain pager-start" data-testid="order" onClick={() => { setTrail([null]); setOldestFirst(!oldestFirst); }}>{t(oldestFirst ? "newestfirst" : "oldestfirst")}</button>}
          <button type="button" class="plain" disabled={trail.length === 1} onClick={() => setTrail(trail.slice(0, -1))}>{t("previous")}</button>
          <span class="num quiet">{trail.length}</span>
          <button type="button" class="plain" disabled={!next} onClick={() => setTrail([...trail, next])}>{t("next")}</button>
        </nav>
      )}
    </Card>
  );
}
