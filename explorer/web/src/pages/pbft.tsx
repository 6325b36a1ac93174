import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { head, phases, status, votes, type Phases, type Votes } from "../lib/chain";
import { moment, ms, printable, short, whole } from "../lib/format";
import { maybe } from "../lib/rpc";
import { go, href, place } from "../lib/router";
import { nameOf, setOf, validators, type ValidatorSet } from "../lib/sets";
import { subscribe, type SocketState } from "../lib/socket";
import { Badge, Card, Table, Title, useLoad, useTitle, Wait } from "../ui/basics";
import { Diagram, fromVotes, Timeline, type Arrows } from "../ui/diagram";
import { useWidth } from "../ui/width";
import { ValidatorState } from "./validators";

/** Message is a notification of pbft_subscribe("protocol"). */
interface Message {
  timeUs: number;
  kind: string;
  from: string | null;
  to: string | null;
  epoch: number;
  view: number;
  seq: number;
  sample: number;
}

/** Seen is what was seen for one sequence number since this page is open. */
interface Seen {
  seq: number;
  epoch: number;
  view: number;
  primary?: string;
  prepares: Set<string>;
  commits: Set<string>;
  first: number;
  last: number;
}

const kept = 40; // sequence numbers
const eventsKept = 60;
const calm = 350; // ms between changes of the picture

const seen = signal<Map<number, Seen>>(new Map());
const rare = signal<Message[]>([]); // view changes, checkpoints and what else is not a vote on a block, newest first
const rate = signal(0); // messages in the last second
const sample = signal(1);

let buffer: Message[] = [];
const rareKinds = ["VIEW-CHANGE", "NEW-VIEW", "CHECKPOINT", "CHECKPOINT CERTIFICATE", "FETCH"];

function drain(): void {
  if (buffer.length === 0) return;
  const list = buffer, next = new Map(seen.value), odd: Message[] = [];
  buffer = [];
  for (const e of list) {
    sample.value = e.sample || sample.value;
    if (rareKinds.includes(e.kind)) odd.unshift(e);
    if (!["PRE-PREPARE", "PREPARE", "COMMIT"].includes(e.kind) || !e.from) continue;
    const old = next.get(e.seq) ?? { seq: e.seq, epoch: e.epoch, view: e.view, prepares: new Set<string>(), commits: new Set<string>(), first: e.timeUs, last: e.timeUs };
    old.view = Math.max(old.view, e.view);
    old.last = Math.max(old.last, e.timeUs);
    old.first = Math.min(old.first, e.timeUs);
    if (e.kind === "PRE-PREPARE") old.primary = e.from;
    if (e.kind === "COMMIT") old.commits.add(e.from);
    else old.prepares.add(e.from);
    next.set(e.seq, old);
  }
  const order = [...next.keys()].sort((a, b) => b - a);
  for (const s of order.slice(kept)) next.delete(s);
  seen.value = next;
  if (odd.length > 0) rare.value = [...odd, ...rare.value].slice(0, eventsKept);
}

export default function Pbft() {
  useTitle(t("nav.pbft"));
  const [state, setState] = useState<[SocketState, string?]>(["connecting"]);
  const [held, hold] = useState(false);
  useEffect(() => {
    const end = new AbortController();
    let since = 0;
    subscribe<Message>("pbft_subscribe", ["protocol"], { seen: (e) => { buffer.push(e); since++; }, state: (s, why) => setState([s, why]), signal: end.signal });
    const paint = setInterval(drain, calm);
    const beat = setInterval(() => { rate.value = since; since = 0; }, 1000);
    const key = (e: KeyboardEvent) => e.key === "p" && !(e.target as Element).closest?.("input,textarea,select") && hold((h) => !h);
    addEventListener("keydown", key);
    return () => { end.abort(); clearInterval(paint); clearInterval(beat); removeEventListener("keydown", key); };
  }, []);
  const s = status.value;
  return (
    <>
      <Title sub={t("pbft.sub", { name: s?.self ? (nameOf(s.self) ?? short(s.self)) : t("pbft.observer") })}>{t("nav.pbft")}</Title>
      <StateCard state={state} />
      <Stage held={held} hold={hold} />
      <div class="halves">
        <Lanes />
        <Rare />
      </div>
      <ViewChanges />
      <Evidence />
    </>
  );
}

function StateCard({ state }: { state: [SocketState, string?] }) {
  const s = status.value;
  return (
    <Card id="pbft-state">
      {!s ? <Wait /> : (
        <>
          <p class="line"><code>{s.line}</code> {s.mode !== "normal" && <Badge kind={s.mode === "halted" ? "bad" : "warn"}>{s.mode}</Badge>}</p>
          <Vitals
            rows={[
              [t("epoch"), whole(s.epoch)],
              [t("tile.view"), <span data-testid="pbft-view">{s.view}{s.activeView < s.view && <span class="quiet"> {t("pbft.waits", { n: s.activeView })}</span>}</span>],
              [t("primary.title"), nameOf(s.primary) ?? short(s.primary)],
              [t("pbft.window"), `${whole(s.window.low + 1)} – ${whole(s.window.high)}`],
              [t("pbft.stable"), whole(s.stable)],
              [t("pbft.patience"), ms(s.patienceMs * 1000)],
              [t("pbft.messages"), state[0] === "open" ? <span class="num">{t("pbft.rate", { n: rate.value })}{sample.value > 1 && <span class="quiet"> {t("pbft.sample", { n: sample.value })}</span>}</span> : <Badge kind="warn">{state[1] ? printable(state[1], 160) : t(`socket.${state[0]}`)}</Badge>],
              !!(s.halt ?? s.held ?? s.stands) && [t("pbft.why"), <span class="bad-text">{printable((s.halt ?? s.held ?? s.stands)!, 300)}</span>],
            ]}
          />
        </>
      )}
    </Card>
  );
}

function Vitals({ rows }: { rows: ([string, ComponentChildren] | false)[] }) {
  return <dl class="vitals">{rows.map((r) => r && <div key={r[0]}><dt>{r[0]}</dt><dd>{r[1]}</dd></div>)}</dl>;
}

/** fromSeen reads the arrows out of the messages themselves. */
function fromSeen(x: Seen, set: ValidatorSet): Arrows {
  const index = new Map(set.validators.map((v) => [v.address.toLowerCase(), v.index]));
  const all = (s: Set<string>) => new Set([...s].map((a) => index.get(a.toLowerCase())).filter((i) => i !== undefined));
  return { primary: x.primary ? (index.get(x.primary.toLowerCase()) ?? -1) : -1, prepares: all(x.prepares), commits: all(x.commits), certificate: new Set() };
}

/** merged adds what the node itself remembers: this page may have missed messages. */
function merged(x: Seen | undefined, v: Votes | undefined, set: ValidatorSet): Arrows {
  if (!x) return v ? fromVotes(v, set.validators) : { primary: -1, prepares: new Set(), commits: new Set(), certificate: new Set() };
  const a = fromSeen(x, set);
  if (!v) return a;
  const b = fromVotes(v, set.validators);
  return { primary: a.primary >= 0 ? a.primary : b.primary, prepares: new Set([...a.prepares, ...b.prepares]), commits: new Set([...a.commits, ...b.commits]), certificate: b.certificate };
}

const flight = 700; // ms that a number may be under way before it is shown unfinished

/** newestOf is the newest number whose way is complete, or one that is stuck on it. */
function newestOf(): number {
  let done = 0;
  for (const n of votes.value.keys()) if (n > done && phases.value.get(n)?.committedUs) done = n;
  for (const x of seen.value.values()) if (x.seq > (head.value ?? 0) && x.seq > done && Date.now() - x.first / 1000 > flight) done = x.seq;
  return done || (head.value ?? 0);
}

/** remembered is what the node still knows of a number that may be long gone from this page. */
async function remembered(number: number) {
  const [phases, votes, set] = await Promise.all([maybe<Phases | null>("pbft_blockPhases", number), maybe<{ blocks: Votes[] }>("pbft_participation", number, number), maybe<ValidatorSet | null>("pbft_validators", number)]);
  return { number, phases, votes: votes?.blocks[0], set };
}

function Stage({ held, hold }: { held: boolean; hold: (h: boolean) => void }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [frozen, freeze] = useState<number | undefined>(undefined);
  const query = place.value.query.get("seq"), wanted = query && /^\d{1,15}$/.test(query) ? Number(query) : undefined;
  const newest = newestOf();
  useEffect(() => freeze(held ? newest : undefined), [held]);
  const seq = wanted ?? frozen ?? newest;
  const asked = useLoad(async () => (wanted === undefined ? undefined : remembered(wanted)), [wanted]).value;
  const own = asked?.number === seq ? asked : undefined; // not of the number before
  const p = phases.value.get(seq) ?? own?.phases, x = seen.value.get(seq), v = votes.value.get(seq) ?? own?.votes;
  const set = (v ? setOf(v.epoch) : x ? setOf(x.epoch) : undefined) ?? own?.set ?? validators.value;
  const list = [...new Set([...seen.value.keys(), ...votes.value.keys()])].sort((a, b) => b - a).slice(0, 24).reverse();
  const off = (address: string) => status.value?.validators.find((k) => k.address === address)?.connected === false;
  return (
    <Card
      id="stage"
      title={<>{t("pbft.seq")} <span class="num">{whole(seq)}</span>{p && <span class="quiet"> · {t("pbft.inview", { n: p.view })}</span>}</>}
      actions={
        <>
          {wanted !== undefined ? <a href={href("/pbft")}>{t("pbft.follow")}</a> : <button type="button" class="plain" aria-pressed={held} onClick={() => hold(!held)}>{held ? t("pbft.go") : t("pbft.pause")}</button>}
          {seq > 0 && seq <= (head.value ?? 0) && <a href={href("/block/" + seq)}>{t("block")}</a>}
        </>
      }
    >
      <div ref={ref} class="stage" style={{ minHeight: (set?.validators.length ?? 4) * (width < 560 ? 46 : 38) + 72 + "px" }}>
        {set && width > 0 && (
          <>
            <Diagram set={set.validators} arrows={merged(x, v, set)} self={status.value?.self} phases={p} width={width} down={off} />
            {seq > 0 && seq <= (head.value ?? 0) && !x && !v && <p class="empty">{t("phases.none")}</p>}
          </>
        )}
      </div>
      <p class="quiet small">{t("pbft.legend")}</p>
      <div class="stage-times">{p?.acceptedUs && width > 0 && <Timeline phases={p} width={width} />}</div>
      <ol class="seqs" aria-label={t("pbft.recent")}>
        {list.map((n) => {
          const w = votes.value.get(n), e = seen.value.get(n);
          return (
            <li key={n}>
              <button type="button" class={n === seq ? "seq on" : w ? "seq final" : "seq"} aria-pressed={n === seq} title={`${n}${e?.primary ? " · " + (nameOf(e.primary) ?? short(e.primary)) : ""}`} onClick={() => go("/pbft?seq=" + n, true)}>{String(n).slice(-4)}</button>
            </li>
          );
        })}
      </ol>
    </Card>
  );
}

function Lanes() {
  const s = status.value;
  return (
    <Card title={t("pbft.replicas")} id="replicas" flush>
      {!s ? <Wait /> : (
        <Table
          rows={s.validators}
          label={t("pbft.replicas")}
          empty="–"
          keyOf={(v) => v.address}
          columns={[
            { name: t("validator"), cell: (v) => <a href={href("/address/" + v.address)}>{printable(nameOf(v.address) ?? short(v.address), 24)}</a> },
            { name: t("state"), cell: (v) => <ValidatorState connected={v.connected} mode={v.mode} suspended={v.suspended} asks={v.asks} /> },
            { name: t("tile.view"), right: true, cell: (v) => (v.mode === "unknown" ? "–" : v.view) },
            { name: t("block"), right: true, cell: (v) => (v.mode === "unknown" ? "–" : whole(v.committed)) },
          ]}
        />
      )}
    </Card>
  );
}

function Rare() {
  return (
    <Card title={t("pbft.rare")} id="rare" flush>
      <Table
        rows={rare.value.slice(0, 10)}
        label={t("pbft.rare")}
        empty={t("pbft.rare.none")}
        keyOf={(e) => `${e.timeUs}-${e.kind}-${e.from}-${e.to}-${e.seq}`}
        columns={[
          { name: t("time"), cell: (e) => <span class="num" title={moment(e.timeUs / 1e6)}>{moment(e.timeUs / 1e6).slice(11, 19)}</span> },
          { name: t("pbft.kind"), cell: (e) => <Badge kind={e.kind.includes("VIEW") ? "warn" : "quiet"}>{e.kind}</Badge> },
          { name: t("from"), cell: (e) => (e.from ? printable(nameOf(e.from) ?? short(e.from), 20) : "–") },
          { name: t("tile.view"), right: true, cell: (e) => e.view },
          { name: t("pbft.seq.short"), right: true, cell: (e) => e.seq || "–" },
        ]}
      />
    </Card>
  );
}

interface ViewChange {
  index: number;
  timeUs: number;
  epoch: number;
  from: number;
  to: number;
  reason: string;
  stuckSeq: number | null;
  enteredAfterMs: number | null;
  reproposed: number | null;
}

function ViewChanges() {
  const s = status.value;
  const list = useLoad(() => maybe<ViewChange[]>("pbft_viewChanges"), [s?.view, s?.activeView, s?.epoch, s?.mode]);
  return (
    <Card title={t("pbft.viewchanges")} id="view-changes" flush note={t("pbft.viewchanges.note")}>
      <Table
        rows={[...(list.value ?? [])].reverse().slice(0, 25)}
        label={t("pbft.viewchanges")}
        empty={t("pbft.viewchanges.none")}
        keyOf={(v) => String(v.index)}
        columns={[
          { name: t("time"), cell: (v) => <span class="num">{moment(v.timeUs / 1e6)}</span> },
          { name: t("epoch"), right: true, cell: (v) => v.epoch },
          { name: t("tile.view"), cell: (v) => <span class="num">{v.from} → {v.to}</span> },
          { name: t("pbft.reason"), cell: (v) => v.reason },
          { name: t("pbft.stuck"), right: true, cell: (v) => v.stuckSeq ?? "–" },
          { name: t("pbft.entered"), right: true, cell: (v) => (v.enteredAfterMs === null ? <Badge kind="warn">{t("pbft.notentered")}</Badge> : ms(v.enteredAfterMs * 1000)) },
          { name: t("pbft.reproposed"), right: true, cell: (v) => v.reproposed ?? "–" },
        ]}
      />
    </Card>
  );
}

interface Piece {
  index: number;
  fault: string;
  offender: string | null;
  sender: number;
  epoch: number;
  first: { kind: string; view?: number; seq?: number; raw: string };
  second: { kind: string; raw: string };
}

function Evidence() {
  const list = useLoad(() => maybe<Piece[]>("pbft_evidence"), [head.value !== undefined && Math.floor(head.value / 10)]);
  return (
    <Card title={t("pbft.evidence")} id="evidence" flush note={t("pbft.evidence.note")}>
      <Table
        rows={[...(list.value ?? [])].reverse()}
        label={t("pbft.evidence")}
        empty={t("pbft.evidence.none")}
        keyOf={(e) => String(e.index)}
        columns={[
          { name: "#", cell: (e) => e.index },
          { name: t("pbft.fault"), cell: (e) => <Badge kind="bad">{e.fault}</Badge> },
          { name: t("validator"), cell: (e) => (e.offender ? printable(nameOf(e.offender) ?? short(e.offender), 24) : `#${e.sender}`) },
          { name: t("epoch"), right: true, cell: (e) => e.epoch },
          { name: t("pbft.kind"), cell: (e) => e.first.kind },
          { name: t("pbft.seq.short"), right: true, cell: (e) => e.first.seq ?? "–" },
        ]}
      />
    </Card>
  );
}
