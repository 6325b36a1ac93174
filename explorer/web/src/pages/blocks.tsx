import { useState } from "preact/hooks";
import { t } from "../i18n";
import { blocks as live, head, type Block } from "../lib/chain";
import { bytes, hexNumber, moment, whole } from "../lib/format";
import { call, RpcError } from "../lib/rpc";
import { go, href, place } from "../lib/router";
import { Address, Age, BlockLink, Card, Exports, Failed, Hash, Table, Title, useLoad, useTitle, Wait } from "../ui/basics";

const perPage = 25;

/** page is the blocks from one downwards; those that this node does not hold are left out. */
async function page(top: number): Promise<Block[]> {
  const numbers = Array.from({ length: Math.min(perPage, top + 1) }, (_, i) => "0x" + (top - i).toString(16));
  const list = await Promise.all(numbers.map((n) => call<Block | null>("eth_getBlockByNumber", n, false).catch(absent)));
  return list.filter((b) => b !== null);
}

const pruned = 4444; // the code of what was before the snapshot with which a node began

function absent(error: unknown): null {
  if (error instanceof RpcError && error.code === pruned) return null;
  throw error;
}

export default function Blocks() {
  useTitle(t("nav.blocks"));
  const asked = place.value.query.get("before"), newest = head.value;
  const wanted = asked !== null && /^\d{1,15}$/.test(asked) ? Number(asked) : undefined;
  const ahead = wanted !== undefined && newest !== undefined && wanted > newest; // of what is not there yet the nearest is shown
  const top = ahead ? newest : wanted;
  const older = useLoad(async () => (top === undefined ? [] : page(top)), [top]);
  const rows = top !== undefined ? older.value : live.value.length > 0 ? live.value.slice(0, perPage) : undefined;
  const last = rows?.length ? hexNumber(rows[rows.length - 1]!.number) : 0;
  return (
    <>
      <Title sub={newest === undefined ? undefined : t("blocks.sub", { n: whole(newest + 1) })}>{t("nav.blocks")}</Title>
      <Card
        flush
        id="blocks"
        actions={<Exports name="blocks" rows={() => (rows ?? []).map((b) => ({ number: hexNumber(b.number), hash: b.hash, time: moment(hexNumber(b.timestamp)), transactions: b.transactions.length, gasUsed: BigInt(b.gasUsed), gasLimit: BigInt(b.gasLimit), size: hexNumber(b.size), stateRoot: String(b.stateRoot) }))} />}
      >
        {older.error ? <Failed error={older.error} /> : !rows ? <Wait lines={10} /> : (
          <Table
            rows={rows}
            label={t("nav.blocks")}
            empty={t(newest ? "blocks.absent" : "overview.empty")}
            keyOf={(b) => b.number}
            columns={[
              { name: t("block"), cell: (b) => <BlockLink number={b.number} /> },
              { name: t("hash"), wide: true, cell: (b) => <Hash value={b.hash} to={"/block/" + b.hash} /> },
              { name: t("age"), cell: (b) => <Age at={hexNumber(b.timestamp)} /> },
              { name: t("proposer"), cell: (b) => (hexNumber(b.number) > 0 ? <Address value={b.miner} /> : <span class="quiet">–</span>) },
              { name: t("transactions"), right: true, cell: (b) => whole(b.transactions.length) },
              { name: t("gas"), right: true, wide: true, cell: (b) => whole(b.gasUsed) },
              { name: t("size"), right: true, wide: true, cell: (b) => bytes(hexNumber(b.size)) },
            ]}
          />
        )}
        <nav class="pager" aria-label={t("pages")}>
          <Jump />
          {top !== undefined && <a href={href("/blocks")}>{t("newest")}</a>}
          {top !== undefined && newest !== undefined && top < newest && <a href={href(top + perPage >= newest ? "/blocks" : "/blocks?before=" + (top + perPage))}>{t("newer")}</a>}
          {last > 0 && <a href={href("/blocks?before=" + (last - 1))} data-testid="older">{t("older")}</a>}
          {last > 0 && <a href={href("/blocks?before=" + (perPage - 1))} data-testid="oldest">{t("oldest")}</a>}
        </nav>
      </Card>
    </>
  );
}

/** Jump leads to the page that begins with a block. */
function Jump() {
  const [text, setText] = useState("");
  const number = /^[\d\s,_]{1,20}$/.test(text) ? text.replace(/\D/g, "").slice(0, 15) : "";
  return (
    <form class="jump" onSubmit={(e) => { e.preventDefault(); if (!number) return; setText(""); go("/blocks?before=" + Number(number)); }}>
      <input inputMode="numeric" autocomplete="off" aria-label={t("blocks.jump")} placeholder={t("blocks.jump")} value={text} data-testid="jump" onInput={(e) => setText(e.currentTarget.value)} />
      <button type="submit" class="plain" disabled={!number}>{t("go")}</button>
    </form>
  );
}
