import { computed } from "@preact/signals";
import { t } from "../i18n";
import { blocks, chainId, countedSince, head, peers, perSecond, phases, pool, secondsKept, status } from "../lib/chain";
import { hexNumber, moment, ms, now, short, whole } from "../lib/format";
import { href } from "../lib/router";
import { call } from "../lib/rpc";
import { nameOf, validators } from "../lib/sets";
import { Address, Age, age, Badge, BlockLink, Card, Hash, useLoad, useTitle } from "../ui/basics";
import { Chart } from "../ui/chart";
import { Heat } from "../ui/heat";

const windowSeconds = 60;

// Just opened, the page knows the last blocks and not all of the last minute.
const throughput = computed(() => {
  const last = Math.floor(now.value / 1000), seconds = Math.min(windowSeconds, Math.max(1, last - countedSince.value + 1));
  let sum = 0;
  for (const [second, x] of perSecond.value) if (second > last - seconds) sum += x.transactions;
  return { rate: sum / seconds, seconds };
});

const latency = computed(() => {
  const all = blocks.value
    .map((b) => phases.value.get(hexNumber(b.number)))
    .flatMap((p) => (p?.acceptedUs && p.committedUs ? [{ number: p.number, us: p.committedUs - p.acceptedUs }] : []))
    .reverse();
  const sorted = all.map((x) => x.us).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { all, median: at(0.5), slow: at(0.95) };
});

export default function Overview() {
  useTitle(t("nav.overview"));
  return (
    <>
      <h1 class="visually-hidden">{t("nav.overview")}</h1>
      <Tiles />
      <Card title={t("heat.title")} id="heat-card" actions={<a href={href("/pbft")}>{t("overview.watch")}</a>}>
        <Heat />
      </Card>
      <div class="halves">
        <Throughput />
        <Latency />
      </div>
      <div class="halves">
        <LatestBlocks />
        <LatestTransactions />
      </div>
    </>
  );
}

function Tiles() {
  const s = status.value, newest = blocks.value[0];
  const connected = s?.validators.filter((v) => v.connected).length, n = s?.validators.length ?? validators.value?.validators.length;
  return (
    <div class="tiles">
      <div class="tile" data-testid="tile-head">
        <span class="tile-name">{t("tile.block")}</span>
        <strong>{head.value === undefined ? "–" : whole(head.value)}</strong>
        <span class="tile-sub">{newest ? age(hexNumber(newest.timestamp)) : " "}</span>
      </div>
      <div class="tile">
        <span class="tile-name">{t("tile.throughput")}</span>
        <strong>{throughput.value.rate >= 100 ? throughput.value.rate.toFixed(0) : throughput.value.rate.toFixed(1)}<small> tx/s</small></strong>
        <span class="tile-sub">{t("tile.window", { n: throughput.value.seconds })}</span>
      </div>
      <div class="tile">
        <span class="tile-name">{t("tile.finality")}</span>
        <strong>{latency.value.median === undefined ? "–" : ms(latency.value.median)}</strong>
        <span class="tile-sub">{latency.value.slow === undefined ? t("tile.none") : t("tile.slow", { v: ms(latency.value.slow) })}</span>
      </div>
      <div class="tile" data-testid="tile-view">
        <span class="tile-name">{t("tile.view")}</span>
        <strong>{s ? s.view : "–"}<small> {s ? t("tile.epoch", { n: s.epoch }) : ""}</small></strong>
        <span class="tile-sub">{s ? t("tile.primary", { name: nameOf(s.primary) ?? short(s.primary) }) : " "}</span>
      </div>
      <div class="tile">
        <span class="tile-name">{t("tile.validators")}</span>
        <strong>{connected === undefined ? (n ?? "–") : connected}<small> {connected === undefined ? "" : `/ ${n}`}</small></strong>
        <span class="tile-sub">{s ? t("tile.quorum", { q: s.quorum, f: s.f }) : " "}</span>
      </div>
      <div class="tile">
        <span class="tile-name">{t("tile.pool")}</span>
        <strong>{pool.value ? whole(pool.value.pending) : "–"}</strong>
        <span class="tile-sub">{peers.value === undefined ? (chainId.value ? t("tile.chain", { id: chainId.value }) : " ") : t("tile.peers", { n: peers.value })}</span>
      </div>
      {s && s.mode !== "normal" && (
        <p class="banner" role="status">
          <Badge kind={s.mode === "halted" ? "bad" : "warn"}>{s.mode}</Badge> {s.halt ?? s.stands ?? s.held ?? <code>{s.line}</code>}
        </p>
      )}
    </div>
  );
}

function Throughput() {
  const last = Math.floor(now.value / 1000), x: number[] = [], y: number[] = [];
  for (let second = last - secondsKept + 1; second <= last; second++) {
    x.push(second);
    y.push(perSecond.value.get(second)?.transactions ?? 0);
  }
  return (
    <Card title={t("overview.throughput")} actions={<a href={href("/statistics")}>{t("overview.days")}</a>}>
      <Chart x={x} series={[{ label: "tx/s", values: y, kind: "bars" }]} format={(v) => String(Math.round(v * 10) / 10)} formatX={(v) => moment(v).slice(11, 19)} label={t("overview.throughput")} />
    </Card>
  );
}

function Latency() {
  const { all } = latency.value;
  return (
    <Card title={t("overview.latency")}>
      {all.length === 0 ? <p class="empty chart-empty">{t("overview.latency.none")}</p> : <Chart x={all.map((p) => p.number)} series={[{ label: "ms", values: all.map((p) => p.us / 1000), kind: all.length > 40 ? "line" : "points", color: "ok" }]} format={(v) => (v >= 10 ? v.toFixed(0) : v.toFixed(1)) + " ms"} formatX={(v) => (Number.isInteger(v) ? String(v) : "")} label={t("overview.latency")} />}
    </Card>
  );
}

const latest = 8;

function LatestBlocks() {
  return (
    <Card title={t("overview.blocks")} actions={<a href={href("/blocks")}>{t("all")}</a>} flush>
      <ul class="feed" data-testid="latest-blocks">
        {blocks.value.slice(0, latest).map((b) => (
          <li key={b.number}>
            <span class="feed-main"><BlockLink number={b.number} /><Age at={hexNumber(b.timestamp)} /></span>
            <span class="feed-side">{b.transactions.length === 1 ? t("count.transaction") : t("count.transactions", { n: b.transactions.length })}<span class="bar-gas" aria-hidden="true"><i style={{ width: Math.min(100, (hexNumber(b.gasUsed) / Math.max(1, hexNumber(b.gasLimit))) * 100) + "%" }} /></span></span>
          </li>
        ))}
      </ul>
      {blocks.value.length === 0 && <p class="empty">{t("overview.empty")}</p>}
    </Card>
  );
}

interface Tx {
  hash: string;
  from: string;
  to: string | null;
}

function LatestTransactions() {
  const hashes: string[] = [];
  for (const b of blocks.value) {
    for (let i = b.transactions.length - 1; i >= 0 && hashes.length < latest; i--) hashes.push(b.transactions[i]!);
    if (hashes.length >= latest) break;
  }
  const { value } = useLoad(() => Promise.all(hashes.map((h) => call<Tx | null>("eth_getTransactionByHash", h))), [hashes]);
  return (
    <Card title={t("overview.transactions")} flush>
      <ul class="feed">
        {(value ?? []).map(
          (x) =>
            x && (
              <li key={x.hash}>
                <span class="feed-main"><Hash value={x.hash} to={"/tx/" + x.hash} /></span>
                <span class="feed-side"><Address value={x.from} /> <span class="quiet">→</span> {x.to ? <Address value={x.to} /> : <Badge kind="info">{t("tx.creation")}</Badge>}</span>
              </li>
            ),
        )}
      </ul>
      {hashes.length === 0 && <p class="empty">{t("overview.none")}</p>}
    </Card>
  );
}
