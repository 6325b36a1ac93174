import { t } from "../i18n";
import { pool } from "../lib/chain";
import { ether, hexNumber, now, whole } from "../lib/format";
import { call } from "../lib/rpc";
import { Address, Badge, Card, Exports, Failed, Hash, Table, Title, useLoad, useTitle, Wait } from "../ui/basics";

interface Waiting {
  hash: string;
  from: string;
  to: string | null;
  nonce: string;
  value: string;
  gas: string;
  queued: boolean;
}

type Content = Record<string, Record<string, Omit<Waiting, "queued">>>;

const shown = 200;
const tooMany = 5000; // the answer would be megabytes: the numbers alone are shown

export default function Pool() {
  useTitle(t("nav.pool"));
  const p = pool.value, many = p !== undefined && p.pending + p.queued > tooMany;
  const list = useLoad(async () => {
    if (many) return [];
    const c = await call<{ pending: Content; queued: Content }>("txpool_content");
    const flat = (x: Content, queued: boolean) => Object.values(x).flatMap((by) => Object.values(by).map((tx) => ({ ...tx, queued })));
    return [...flat(c.pending, false), ...flat(c.queued, true)];
  }, [p?.pending, p?.queued, many, Math.floor(now.value / 3000)]);
  return (
    <>
      <Title sub={t("pool.sub")}>{t("nav.pool")}</Title>
      <div class="tiles two">
        <div class="tile"><span class="tile-name">{t("pool.pending")}</span><strong data-testid="pool-pending">{p ? whole(p.pending) : "–"}</strong><span class="tile-sub">{t("pool.pending.sub")}</span></div>
        <div class="tile"><span class="tile-name">{t("pool.queued")}</span><strong data-testid="pool-queued">{p ? whole(p.queued) : "–"}</strong><span class="tile-sub">{t("pool.queued.sub")}</span></div>
      </div>
      <Card flush id="pool" note={many ? t("pool.many") : (list.value?.length ?? 0) > shown ? t("pool.more", { n: shown }) : undefined} actions={(list.value?.length ?? 0) > 0 && <Exports name="pool" rows={() => list.value!.map((x) => ({ hash: x.hash, from: x.from, to: x.to, nonce: hexNumber(x.nonce), value: BigInt(x.value), gas: BigInt(x.gas), queued: x.queued }))} />}>
        {list.error ? <Failed error={list.error} /> : !list.value ? <Wait /> : (
          <Table
            rows={list.value.slice(0, shown)}
            label={t("nav.pool")}
            empty={t("pool.none")}
            keyOf={(x) => x.hash}
            columns={[
              { name: t("hash"), cell: (x) => <Hash value={x.hash} to={"/tx/" + x.hash} /> },
              { name: t("state"), cell: (x) => <Badge kind={x.queued ? "warn" : "info"}>{x.queued ? t("pool.queued") : t("pool.pending")}</Badge> },
              { name: t("from"), cell: (x) => <Address value={x.from} /> },
              { name: t("nonce"), right: true, cell: (x) => whole(x.nonce) },
              { name: t("to"), cell: (x) => (x.to ? <Address value={x.to} /> : <Badge kind="info">{t("tx.creation")}</Badge>) },
              { name: t("value"), right: true, cell: (x) => ether(x.value) },
            ]}
          />
        )}
      </Card>
    </>
  );
}
