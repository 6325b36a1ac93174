import { decodeFunctionData, type Abi } from "viem";
import { t, type Key } from "../i18n";
import { system, plain } from "../lib/abi";
import { head, phases, status, votes, type Votes } from "../lib/chain";
import { moment, ms, printable, short, whole } from "../lib/format";
import { maybe } from "../lib/rpc";
import { has, setOf, validators } from "../lib/sets";
import { ask } from "../lib/system";
import { Address, Badge, BlockLink, Card, Exports, Facts, Hash, Long, Table, Title, useLoad, useTitle, Wait } from "../ui/basics";
import { Heat } from "../ui/heat";

const participated = 1000; // blocks that the table sums up, at most

interface Sum {
  address: string;
  blocks: number;
  proposed: number;
  prepares: number;
  commits: number;
  certificates: number;
}

export default function Validators() {
  useTitle(t("nav.validators"));
  const s = status.value, set = validators.value, top = head.value;
  const sums = useLoad(async () => (top ? maybe<{ from: number; to: number; validators: Sum[]; blocks: Votes[] }>("pbft_participation", Math.max(1, top - participated + 1), top) : undefined), [top !== undefined && Math.floor(top / 5)]);
  const recoveries = useLoad(() => maybe<{ number: number }[]>("pbft_recoveries"), []);
  const rows = (set?.validators ?? []).map((v) => ({ ...v, live: s?.validators.find((x) => x.address === v.address), sum: sums.value?.validators.find((x) => x.address === v.address) }));
  const share = (part: number | undefined, whole: number | undefined) => (part === undefined || !whole ? "–" : ((100 * part) / whole).toFixed(part === whole ? 0 : 1) + " %");
  return (
    <>
      <Title sub={set && t("validators.sub", { n: set.validators.length, q: set.quorum, f: set.f })}>{t("nav.validators")}</Title>
      <Card title={t("heat.title")}><Heat /></Card>
      <Card
        flush
        id="validators"
        title={t("validators.title")}
        note={sums.value && sums.value.blocks.length > 0 ? t("validators.note", { n: sums.value.blocks.length }) : undefined}
        actions={<Exports name="validators" rows={() => rows.map((v) => ({ index: v.index, address: v.address, name: v.name, suspended: v.suspended, connected: v.live?.connected, mode: v.live?.mode, proposed: v.sum?.proposed, commits: v.sum?.commits, certificates: v.sum?.certificates, blocks: v.sum?.blocks }))} />}
      >
        {!set ? <Wait lines={5} /> : (
          <Table
            rows={rows}
            label={t("nav.validators")}
            empty="–"
            keyOf={(v) => v.address}
            columns={[
              { name: "#", cell: (v) => <span class="num quiet">{v.index}</span> },
              { name: t("validator"), cell: (v) => <span class="with-state"><Address value={v.address} />{s?.primary === v.address && <Badge kind="info">{t("primary")}</Badge>}{s?.self === v.address && <Badge kind="quiet">{t("thisnode")}</Badge>}</span> },
              { name: t("state"), cell: (v) => <ValidatorState connected={v.live?.connected} mode={v.live?.mode} suspended={v.suspended} asks={v.live?.asks} /> },
              { name: t("block"), right: true, cell: (v) => (v.live && v.live.mode !== "unknown" ? whole(v.live.committed) : "–") },
              { name: t("heat.proposed"), right: true, cell: (v) => v.sum?.proposed ?? "–" },
              { name: t("validators.commits"), right: true, cell: (v) => share(v.sum?.commits, v.sum?.blocks) },
              { name: t("validators.certificates"), right: true, cell: (v) => share(v.sum?.certificates, v.sum?.blocks) },
            ]}
          />
        )}
      </Card>
      <div class="halves">
        <Card title={t("epoch")} id="epoch">
          {!set ? <Wait /> : (
            <Facts
              rows={[
                [t("epoch"), whole(set.epoch)],
                [t("epoch.blocks"), `${whole(set.firstSeq)} – ${whole(set.lastSeq)}`],
                [t("epoch.progress"), <Progress from={set.firstSeq} to={set.lastSeq} at={top ?? 0} />],
                [t("quorum"), t("quorum.of", { q: set.quorum, n: set.validators.length, f: set.f })],
                !!s && [t("pbft.stable"), whole(s.stable)],
                [t("epoch.params"), <Hash value={set.params} copy />],
                !!recoveries.value?.length && [t("recoveries"), String(recoveries.value.length)],
              ]}
            />
          )}
        </Card>
        <VotesCard />
      </div>
      <Proposals />
    </>
  );
}

export function ValidatorState({ connected, mode, suspended, asks }: { connected?: boolean; mode?: string; suspended: boolean; asks?: number | null }) {
  return (
    <span class="with-state">
      {connected === undefined ? <span class="quiet">–</span> : connected ? <Badge kind={mode === "halted" ? "bad" : mode === "normal" || mode === "unknown" ? "ok" : "warn"}>{mode === "normal" || mode === "unknown" ? t("connected") : mode}</Badge> : <Badge kind="bad">{t("disconnected")}</Badge>}
      {suspended && <Badge kind="warn">{t("suspended")}</Badge>}
      {asks !== null && asks !== undefined && <Badge kind="warn">{t("asks", { n: asks })}</Badge>}
    </span>
  );
}

function Progress({ from, to, at }: { from: number; to: number; at: number }) {
  const done = Math.min(1, Math.max(0, (at - from + 1) / (to - from + 1)));
  return (
    <span class="progress" role="progressbar" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(done * 100)} aria-label={t("epoch.progress")}>
      <i style={{ width: done * 100 + "%" }} />
      <b class="num">{Math.round(done * 100)} %</b>
    </span>
  );
}

const votesShown = 8;

function VotesCard() {
  const list = [...votes.value.values()].sort((a, b) => b.number - a.number).slice(0, votesShown);
  const of = (v: Votes) => setOf(v.epoch)?.validators ?? [], count = (v: Votes, bits: string) => of(v).filter((x) => has(bits, x.index)).length;
  return (
    <Card title={t("votes.latest")} id="votes" flush>
      <Table
        rows={list}
        label={t("votes.latest")}
        empty={t("phases.none")}
        keyOf={(v) => String(v.number)}
        columns={[
          { name: t("block"), cell: (v) => <BlockLink number={v.number} /> },
          { name: "PREPARE", right: true, cell: (v) => `${count(v, v.prepares)} / ${of(v).length}` },
          { name: "COMMIT", right: true, cell: (v) => `${count(v, v.commits)} / ${of(v).length}` },
          { name: t("certificate"), right: true, cell: (v) => `${count(v, v.certificate)}` },
          { name: t("tile.finality"), right: true, cell: (v) => { const p = phases.value.get(v.number); return p?.acceptedUs && p.committedUs ? ms(p.committedUs - p.acceptedUs) : "–"; } },
        ]}
      />
    </Card>
  );
}

interface Proposal {
  contract: string;
  id: bigint;
  proposer: string;
  expires: bigint;
  status: number;
  action: string;
  approvals: readonly string[];
  objections: readonly string[];
}

const statuses: Key[] = ["proposal.none", "proposal.open", "proposal.passed", "proposal.rejected", "proposal.withdrawn", "proposal.expired"];
const proposalsShown = 10; // of each contract

async function proposals(): Promise<Proposal[]> {
  const each = await Promise.all(
    Object.keys(system).map(async (address) => {
      const count = Number(await ask<bigint>(address, "proposalCount").catch(() => 0n));
      const ids = Array.from({ length: Math.min(count, proposalsShown) }, (_, i) => BigInt(count - i));
      return Promise.all(ids.map(async (id) => ({ contract: address, id, ...(await ask<Omit<Proposal, "contract" | "id">>(address, "proposal", [id])) })));
    }),
  );
  return each.flat();
}

function Proposals() {
  const list = useLoad(proposals, [head.value !== undefined && Math.floor(head.value / 3)]);
  return (
    <Card title={t("proposals")} id="proposals" note={t("proposals.note")}>
      {list.error ? <p class="empty">{t("proposals.unreadable")}</p> : !list.value ? <Wait /> : list.value.length === 0 ? <p class="empty">{t("proposals.none")}</p> : (
        <ul class="proposals">
          {list.value.map((p) => (
            <li key={p.contract + p.id}>
              <p>
                <strong>{system[p.contract]!.name} · {p.id.toString()}</strong> <Badge kind={p.status === 1 ? "info" : p.status === 2 ? "ok" : "quiet"}>{t(statuses[p.status] ?? "proposal.none")}</Badge>
              </p>
              <p><Action contract={p.contract} action={p.action} /></p>
              <p class="quiet small">
                {t("proposal.by")} <Address value={p.proposer} /> · {t("proposal.until", { when: moment(Number(p.expires)) })} · {t("proposal.tally", { yes: p.approvals.length, no: p.objections.length })}
              </p>
              {p.approvals.length > 0 && <p class="quiet small">{t("proposal.yes")} {p.approvals.map((a) => <Address key={a} value={a} />)}</p>}
              {p.objections.length > 0 && <p class="quiet small">{t("proposal.no")} {p.objections.map((a) => <Address key={a} value={a} />)}</p>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Action({ contract, action }: { contract: string; action: string }) {
  try {
    const { functionName, args } = decodeFunctionData({ abi: system[contract]!.abi as Abi, data: action as `0x${string}` });
    return <span class="mono">{functionName}({(args ?? []).map((a) => printable(typeof a === "string" && a.length > 44 ? short(a, 10, 8) : plain(a), 60)).join(", ")})</span>;
  } catch {
    return <Long text={action} />;
  }
}
