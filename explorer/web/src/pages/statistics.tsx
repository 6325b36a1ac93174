import { t, type Key } from "../i18n";
import { blocks } from "../lib/chain";
import { dateOf, dayOf, filled, measures, summary, type Counts, type Measure } from "../lib/days";
import { hexNumber, now, whole } from "../lib/format";
import { daily } from "../lib/index";
import { go, place } from "../lib/router";
import { Card, Exports, Failed, Table, Tabs, Title, useLoad, useTitle, Wait } from "../ui/basics";
import { Chart } from "../ui/chart";
import { off } from "../ui/list";
import { usePages } from "../ui/pages";

const spans = [30, 90, 365]; // days; the node gives up to 366 in one answer
const names: Record<Measure, Key> = { transactions: "transactions", blocks: "nav.blocks", gasUsed: "gas", transfers: "transfers", contracts: "days.contracts" };

export default function Statistics() {
  useTitle(t("nav.statistics"));
  const asked = place.value.query, span = spans.find((s) => String(s) === asked.get("days")) ?? spans[0]!;
  const measure = measures.find((m) => m === asked.get("of")) ?? measures[0];
  const newest = blocks.value[0], today = dayOf(Math.max(now.value / 1000, newest ? hexNumber(newest.timestamp) : 0));
  const from = today - span + 1;
  const list = useLoad(async () => filled(await daily(dateOf(from), dateOf(today)), from, today), [from, today, newest && Math.floor(hexNumber(newest.number) / 5)]);
  const show = (of: Measure, days: number) => go(`/statistics?of=${of}&days=${days}`, true);
  return (
    <>
      <Title sub={t("days.sub")}>{t("nav.statistics")}</Title>
      <Tabs tabs={measures.map((m): [Measure, string] => [m, t(names[m])])} chosen={measure} choose={(m) => show(m, span)} />
      {list.error ? <Card>{off(list.error) ? <p class="empty">{t("index.off")}</p> : <Failed error={list.error} />}</Card> : !list.value ? <Card><Wait lines={8} /></Card> : (
        <>
          <Curve days={list.value} measure={measure} span={span} choose={(s) => show(measure, s)} />
          <Days days={list.value} />
        </>
      )}
    </>
  );
}

function Curve({ days, measure, span, choose }: { days: Counts[]; measure: Measure; span: number; choose: (span: number) => void }) {
  const { total, most } = summary(days, measure), name = t(names[measure]);
  const told = most ? t("days.summary", { total: whole(total), n: days.length, most: whole(most[measure]), day: dateOf(most.day) }) : t("days.none", { n: days.length });
  return (
    <Card
      id="days-chart"
      title={t("days.perday", { what: name })}
      note={told}
      actions={spans.map((s) => <button key={s} type="button" class="plain" aria-pressed={s === span} data-testid={`days-${s}`} onClick={() => choose(s)}>{t("days.n", { n: s })}</button>)}
    >
      <Chart x={days.map((d) => d.day)} series={[{ label: name, values: days.map((d) => Number(d[measure])), kind: "bars" }]} height={240} format={brief} formatX={(v) => (Number.isInteger(v) ? dateOf(v).slice(5) : "")} label={t("days.perday", { what: name })} told={told} />
    </Card>
  );
}

/** brief writes a number for an axis, where the exact one stands in the table below. */
function brief(v: number): string {
  for (const [unit, size] of [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) if (v >= size) return `${+(v / size).toPrecision(3)} ${unit}`;
  return String(+v.toPrecision(3));
}

const daysShown = 31;

/** Days is what the chart shows, exactly and for who cannot see it. */
function Days({ days }: { days: Counts[] }) {
  const busy = days.filter((d) => d.blocks > 0n).reverse(), { rows, pager } = usePages(busy, daysShown);
  return (
    <Card id="days" title={t("days.table")} flush actions={busy.length > 0 && <Exports name="days" rows={() => busy.map((d) => ({ ...d, day: dateOf(d.day) }))} />}>
      <Table
        rows={rows}
        label={t("days.table")}
        empty={t("days.none", { n: days.length })}
        keyOf={(d) => String(d.day)}
        columns={[{ name: t("days.day"), cell: (d) => <span class="num">{dateOf(d.day)}</span> }, ...measures.map((m) => ({ name: t(names[m]), right: true, cell: (d: Counts) => whole(d[m]) }))]}
      />
      {pager}
    </Card>
  );
}
