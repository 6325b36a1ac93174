import { t } from "../i18n";
import { blocks as live, head, type Block } from "../lib/chain";
import { bytes, hexNumber, moment, whole } from "../lib/format";
import { call } from "../lib/rpc";
import { href, place } from "../lib/router";
import { Address, Age, BlockLink, Card, Exports, Failed, Hash, Table, Title, useLoad, useTitle, Wait } from "../ui/basics";

const perPage = 25;

export default function Blocks() {
  useTitle(t("nav.blocks"));
  const asked = place.value.query.get("before"), newest = head.value;
  const top = asked !== null && /^\d{1,15}$/.test(asked) ? Number(asked) : undefined;
  const older = useLoad(async () => (top === undefined ? [] : (await Promise.all(Array.from({ length: Math.min(perPage, top + 1) }, (_, i) => call<Block | null>("eth_getBlockByNumber", "0x" + (top - i).toString(16), false)))).filter((b) => b !== null)), [top]);
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
            empty={t("overview.empty")}
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
          {top !== undefined && <a href={href("/blocks")}>{t("newest")}</a>}
          {top !== undefined && newest !== undefined && top < newest && <a href={href(top + perPage >= newest ? "/blocks" : "/blocks?before=" + (top + perPage))}>{t("newer")}</a>}
          {last > 0 && <a href={href("/blocks?before=" + (last - 1))} data-testid="older">{t("older")}</a>}
        </nav>
      </Card>
    </>
  );
}
