import { t } from "../i18n";
import { head } from "../lib/chain";
import { decodeFailure, decodeInput, decodeLog, plain, type Argument, type Decoded } from "../lib/abi";
import { bytes, ether, hexNumber, moment, printable, whole } from "../lib/format";
import { json, save } from "../lib/export";
import { firstFrames, type Frame } from "../lib/frames";
import { checkTransaction } from "../lib/proofs";
import { call, maybe } from "../lib/rpc";
import { go, place } from "../lib/router";
import { Address, Age, Badge, BlockLink, Card, Facts, Failed, Hash, Long, Tabs, Title, useLoad, useTitle, Wait } from "../ui/basics";
import { usePages } from "../ui/pages";
import { Verified } from "../ui/verified";

interface Tx {
  hash: string;
  from: string;
  to: string | null;
  value: string;
  input: string;
  nonce: string;
  gas: string;
  gasPrice: string;
  type: string;
  blockNumber: string | null;
  blockTimestamp?: string | null;
  transactionIndex: string | null;
  [member: string]: unknown;
}

interface Log {
  address: string;
  topics: string[];
  data: string;
  logIndex: string;
}

interface Receipt {
  status: string;
  gasUsed: string;
  cumulativeGasUsed: string;
  effectiveGasPrice: string;
  contractAddress: string | null;
  blockNumber: string;
  blockHash: string;
  logs: Log[];
  [member: string]: unknown;
}

interface Fate {
  status: string;
  reason?: string;
  blockNumber?: string;
}

type Part = "overview" | "logs" | "calls" | "proof";

export default function TransactionPage({ hash }: { hash: string }) {
  const valid = /^0x[0-9a-fA-F]{64}$/.test(hash);
  const pending = useLoad(async () => {
    if (!valid) return null;
    const [tx, receipt, fate] = await Promise.all([call<Tx | null>("eth_getTransactionByHash", hash), call<Receipt | null>("eth_getTransactionReceipt", hash), maybe<Fate>("txpool_explain", hash)]);
    if (tx && tx.hash.toLowerCase() !== hash.toLowerCase()) throw new Error(t("answer.other"));
    return { tx, receipt, fate };
  }, [hash]);
  // One that waits is looked at again with every block.
  const waits = pending.value && !pending.value.receipt;
  const again = useLoad(async () => (waits ? call<Receipt | null>("eth_getTransactionReceipt", hash) : null), [hash, waits ? head.value : 0]);
  const tx = useLoad(async () => (again.value ? call<Tx | null>("eth_getTransactionByHash", hash) : null), [hash, !!again.value]);
  useTitle(`${t("transaction")} ${hash.slice(0, 12)}`);
  if (pending.error) return <Failed error={pending.error} />;
  if (pending.value === undefined) return <Wait lines={10} />;
  const shown = tx.value ?? pending.value?.tx, receipt = again.value ?? pending.value?.receipt;
  if (!shown) return <Unknown hash={hash} fate={pending.value?.fate} />;
  return <Shown tx={shown} receipt={receipt ?? null} fate={pending.value?.fate} />;
}

function Unknown({ hash, fate }: { hash: string; fate?: Fate }) {
  return (
    <>
      <Title sub={<Long text={printable(hash, 80)} />}>{t("transaction")}</Title>
      <Card>
        <p class="empty">
          {fate && fate.status !== "unknown" ? <><Badge kind="bad">{fate.status}</Badge> {fate.reason && printable(fate.reason, 300)}</> : t("tx.unknown")}
        </p>
      </Card>
    </>
  );
}

function Shown({ tx, receipt, fate }: { tx: Tx; receipt: Receipt | null; fate?: Fate }) {
  const asked = place.value.query.get("part"), part: Part = asked === "logs" || asked === "calls" || asked === "proof" ? asked : "overview";
  const parts: [Part, string][] = receipt ? [["overview", t("tx.overview")], ["logs", `${t("tx.logs")} · ${receipt.logs.length}`], ["calls", t("tx.calls")], ["proof", t("tx.proof")]] : [["overview", t("tx.overview")]];
  const proof = useLoad(async () => (receipt ? call<unknown>("pbft_finalityProof", tx.hash) : undefined), [tx.hash, receipt?.blockHash]);
  const report = useLoad(async () => (proof.value && receipt ? checkTransaction(proof.value, tx, receipt) : undefined), [tx.hash, proof.value !== undefined, receipt?.blockHash]);
  return (
    <>
      <Title sub={<Hash value={tx.hash} full copy />}>
        {t("transaction")} <State receipt={receipt} fate={fate} />
        {report.value && <Badge kind={report.value.ok ? "ok" : "bad"}>{report.value.ok ? t("verify.badge.ok") : t("verify.badge.bad")}</Badge>}
      </Title>
      <Tabs tabs={parts} chosen={part} choose={(p) => go(`/tx/${tx.hash}${p === "overview" ? "" : "?part=" + p}`, true)} />
      {part === "overview" && <OverviewPart tx={tx} receipt={receipt} />}
      {part === "logs" && receipt && <Logs logs={receipt.logs} />}
      {part === "calls" && receipt && <Calls hash={tx.hash} />}
      {part === "proof" && receipt && (
        <Card
          title={t("verify.title")}
          id="verify-card"
          note={t("verify.note.tx")}
          actions={!!proof.value && <button type="button" class="plain" data-testid="proof-download" onClick={() => save(`proof-${tx.hash}.json`, "application/json", json(proof.value))}>{t("tx.proof.download")}</button>}
        >
          {proof.error ? <Failed error={proof.error} /> : proof.value === null ? <p class="empty">{t("verify.noproof")}</p> : <Verified report={report.value} error={report.error} />}
          <p class="quiet small">{t("verify.cli")} <code>quorate verify proof-….json --genesis genesis.json</code></p>
        </Card>
      )}
    </>
  );
}

function State({ receipt, fate }: { receipt: Receipt | null; fate?: Fate }) {
  if (receipt) return receipt.status === "0x1" ? <Badge kind="ok">{t("tx.success")}</Badge> : <Badge kind="bad">{t("tx.reverted")}</Badge>;
  return <Badge kind="warn">{fate?.status ?? t("tx.waiting")}</Badge>;
}

function OverviewPart({ tx, receipt }: { tx: Tx; receipt: Receipt | null }) {
  const decoded = decodeInput(tx.to, tx.input);
  const failed = receipt && receipt.status !== "0x1";
  const reason = useLoad(async () => (failed ? maybe<string>("ots_getTransactionError", tx.hash) : undefined), [tx.hash, failed]);
  const why = reason.value ? decodeFailure(tx.to, reason.value) : undefined;
  return (
    <>
      <Card id="tx-facts">
        <Facts
          rows={[
            [t("block"), receipt ? <><BlockLink number={receipt.blockNumber} /> <span class="quiet">#{hexNumber(tx.transactionIndex)}</span></> : <span class="quiet">{t("tx.notyet")}</span>],
            !!tx.blockTimestamp && [t("time"), <>{moment(hexNumber(tx.blockTimestamp))} <span class="quiet">· <Age at={hexNumber(tx.blockTimestamp)} /></span></>],
            [t("from"), <Address value={tx.from} full copy />],
            [t("to"), tx.to ? <Address value={tx.to} full copy /> : <><Badge kind="info">{t("tx.creation")}</Badge> {failed ? <span class="quiet">{t("tx.nocontract")}</span> : receipt?.contractAddress && <Address value={receipt.contractAddress} full copy />}</>],
            [t("value"), ether(tx.value)],
            !!failed && [t("tx.reason"), why ? <span class="bad-text">{printable(why, 300)}</span> : <span class="quiet">{reason.value && reason.value !== "0x" ? <Long text={reason.value.slice(0, 400)} /> : t("tx.noreason")}</span>],
            [t("gas"), receipt ? `${whole(receipt.gasUsed)} / ${whole(tx.gas)}` : whole(tx.gas)],
            [t("tx.price"), `${whole(receipt?.effectiveGasPrice ?? tx.gasPrice ?? "0x0")} wei`],
            [t("nonce"), whole(tx.nonce)],
            [t("tx.type"), String(hexNumber(tx.type))],
          ]}
        />
      </Card>
      {tx.input !== "0x" && (
        <Card title={t("tx.input")} id="tx-input" note={decoded?.by === "standard" ? t("tx.standard") : undefined}>
          {decoded && <Call decoded={decoded} />}
          <Raw data={tx.input} open={!decoded} />
        </Card>
      )}
    </>
  );
}

function Call({ decoded }: { decoded: Decoded }) {
  return (
    <>
      <p class="signature"><strong class="mono">{printable(decoded.name, 80)}</strong></p>
      <Arguments args={decoded.args} />
    </>
  );
}

function Arguments({ args }: { args: Argument[] }) {
  return (
    <dl class="args">
      {args.map((a, i) => (
        <div key={i}>
          <dt><span class="mono">{printable(a.name, 40)}</span> <span class="quiet mono">{a.type}</span></dt>
          <dd>{a.type === "address" && typeof a.value === "string" ? <Address value={a.value} full /> : <Long text={printable(plain(a.value), 2000)} />}</dd>
        </div>
      ))}
    </dl>
  );
}

const rawShown = 4096; // characters

function Raw({ data, open }: { data: string; open?: boolean }) {
  return (
    <details class="raw" open={open}>
      <summary>{t("tx.raw")} · {bytes((data.length - 2) / 2)}</summary>
      <pre tabIndex={0}>{data.length > rawShown ? data.slice(0, rawShown) + "…" : data}</pre>
    </details>
  );
}

const logsShown = 50;

function Logs({ logs }: { logs: Log[] }) {
  const { rows, pager } = usePages(logs, logsShown);
  if (logs.length === 0) return <Card><p class="empty">{t("tx.nologs")}</p></Card>;
  return (
    <Card id="tx-logs" actions={<button type="button" class="plain" onClick={() => save("logs.json", "application/json", json(logs))}>JSON</button>}>
      <ol class="logs">
        {rows.map((l) => {
          const d = decodeLog(l);
          return (
            <li key={l.logIndex}>
              <p><span class="num quiet">{hexNumber(l.logIndex)}</span> <Address value={l.address} /> {d && <strong class="mono">{printable(d.name, 60)}</strong>}</p>
              {d ? <Arguments args={d.args} /> : l.topics.map((x, i) => <p key={i}><Long text={x} /></p>)}
              {l.data !== "0x" && <Raw data={l.data} />}
            </li>
          );
        })}
      </ol>
      {pager}
    </Card>
  );
}

const framesShown = 500;

function Calls({ hash }: { hash: string }) {
  const trace = useLoad(() => call<Frame>("debug_traceTransaction", hash, { tracer: "callTracer" }), [hash]);
  if (trace.error) return <Card><Failed error={trace.error} /></Card>;
  if (!trace.value) return <Card><Wait lines={5} /></Card>;
  const { root, all } = firstFrames(trace.value, framesShown);
  return (
    <Card title={t("tx.calls")} id="tx-calls" note={all > framesShown ? t("tx.morecalls", { n: framesShown, all: whole(all) }) : undefined}>
      <ul class="calls">
        <FrameItem frame={root} depth={0} />
      </ul>
    </Card>
  );
}

const indented = 6; // levels; deeper ones are numbered instead

function FrameItem({ frame, depth }: { frame: Frame; depth: number }) {
  const d = frame.type.startsWith("CREATE") ? undefined : decodeInput(frame.to ?? null, frame.input);
  const value = frame.value && BigInt(frame.value) > 0n ? BigInt(frame.value) : undefined;
  return (
    <li class={frame.error ? "call failed-call" : "call"}>
      <p>
        {depth > indented && <span class="num quiet" title={t("tx.depth")}>{depth}</span>} <span class="badge quiet">{frame.type}</span> {frame.to && <Address value={frame.to} />}{" "}
        {d ? <span class="mono">{printable(d.name, 60)}({d.args.map((a) => printable(plain(a.value), 24)).join(", ")})</span> : frame.input.length >= 10 && !frame.type.startsWith("CREATE") && <code>{frame.input.slice(0, 10)}</code>}{" "}
        {value !== undefined && <span class="num">{ether(value.toString())}</span>} {frame.gasUsed && <span class="quiet num">{whole(frame.gasUsed)} gas</span>}
      </p>
      {frame.error && <p class="bad-text">{printable(frame.revertReason ?? (frame.output ? (decodeFailure(frame.to ?? null, frame.output) ?? frame.error) : frame.error), 200)}</p>}
      {!!frame.calls?.length && (
        <ul class={depth >= indented ? "flat" : undefined}>
          {frame.calls.map((c, i) => (
            <FrameItem key={i} frame={c} depth={depth + 1} />
          ))}
        </ul>
      )}
    </li>
  );
}
