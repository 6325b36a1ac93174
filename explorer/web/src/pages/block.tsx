import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { head, status, type Block, type Phases, type Votes } from "../lib/chain";
import { bytes, ether, hexNumber, moment, short, whole } from "../lib/format";
import { checkBlock } from "../lib/proofs";
import { json, save } from "../lib/export";
import { call, maybe } from "../lib/rpc";
import { go, href } from "../lib/router";
import { Address, Age, Badge, Card, Exports, Facts, Failed, Hash, Long, Table, Title, useLoad, useTitle, Wait } from "../ui/basics";
import { has, type ValidatorSet } from "../lib/sets";
import { Diagram, fromVotes, Timeline } from "../ui/diagram";
import { usePages } from "../ui/pages";
import { Verified } from "../ui/verified";
import { useWidth } from "../ui/width";
import type { Certificate } from "../proof/verify";

interface FullTx {
  hash: string;
  from: string;
  to: string | null;
  value: string;
  input: string;
  transactionIndex: string;
}

export default function BlockPage({ id }: { id: string }) {
  const byHash = id.startsWith("0x"), valid = byHash ? /^0x[0-9a-f]{64}$/i.test(id) : /^\d{1,18}$/.test(id);
  const [absent, setAbsent] = useState(false);
  const block = useLoad(() => (valid ? find(id) : Promise.resolve(null)), [id, absent ? head.value : 0]); // one that is to come is looked for again
  const b = block.value;
  useEffect(() => setAbsent(b === null), [b === null]);
  useTitle(b ? `${t("block")} ${hexNumber(b.number)}` : t("block"));
  useEffect(() => {
    if (!b) return;
    const step = (event: Event) => go("/block/" + Math.max(0, hexNumber(b.number) + (event as CustomEvent<number>).detail));
    addEventListener("quorate:step", step);
    return () => removeEventListener("quorate:step", step);
  }, [b?.number]);
  if (block.error) return <Failed error={block.error} />;
  if (b === undefined) return <Wait lines={8} />;
  if (b === null) return <><Title>{t("block.absent")}</Title><p class="empty">{t("block.absent.why", { id, head: head.value ?? "–" })}</p></>;
  return <Shown block={b} />;
}

/** find gets a block by its number or hash, and no other than was asked for. */
async function find(id: string): Promise<Block | null> {
  const hash = id.startsWith("0x") ? id.toLowerCase() : undefined;
  const b = await (hash ? call<Block | null>("eth_getBlockByHash", hash, false) : call<Block | null>("eth_getBlockByNumber", "0x" + BigInt(id).toString(16), false));
  if (b && (hash ? b.hash.toLowerCase() !== hash : BigInt(b.number) !== BigInt(id))) throw new Error(t("answer.other"));
  return b;
}

function Shown({ block: b }: { block: Block }) {
  const number = hexNumber(b.number);
  const certificate = useLoad(() => call<(Certificate & { validators: string[] }) | null>("pbft_commitCertificate", number), [b.hash]);
  const report = useLoad(async () => {
    const c = certificate.value;
    if (!c) return undefined;
    return checkBlock(c, b);
  }, [b.hash, certificate.value?.blockHash, certificate.value?.signers]);
  return (
    <>
      <Title sub={<><Hash value={b.hash} full copy /></>}>
        {t("block")} {whole(number)} <StepTo number={number} />
      </Title>
      <div class="halves">
        <Card title={t("block.facts")} id="block-facts">
          <Facts
            rows={[
              [t("time"), <>{moment(hexNumber(b.timestamp))} <span class="quiet">· <Age at={hexNumber(b.timestamp)} /></span></>],
              [t("transactions"), whole(b.transactions.length)],
              [t("gas"), `${whole(b.gasUsed)} / ${whole(b.gasLimit)}`],
              [t("size"), bytes(hexNumber(b.size))],
              [t("block.parent"), number > 0 ? <Hash value={b.parentHash} to={"/block/" + (number - 1)} copy /> : <span class="quiet">–</span>],
              [t("block.state"), <Hash value={String(b.stateRoot)} copy />],
              [t("block.txroot"), <Hash value={String(b.transactionsRoot)} copy />],
              [t("block.receipts"), <Hash value={String(b.receiptsRoot)} copy />],
              [t("block.batch"), <Hash value={String(b.mixHash)} copy />],
              [t("block.basefee"), `${whole(String(b.baseFeePerGas ?? "0x0"))} wei`],
              number === 0 && [t("block.extra"), <Long text={String(b.extraData)} />],
            ]}
          />
        </Card>
        <Card
          title={t("verify.title")}
          id="verify-card"
          note={number === 0 ? undefined : t("verify.note.block")}
          actions={certificate.value && <button type="button" class="plain" onClick={() => save(`block-${number}-certificate.json`, "application/json", json(certificate.value))}>{t("download")}</button>}
        >
          {number === 0 ? <p class="empty">{t("verify.zero")}</p> : certificate.error ? <Failed error={certificate.error} /> : certificate.value === null ? <p class="empty">{t("verify.nocert")}</p> : <Verified report={report.value} error={report.error} />}
        </Card>
      </div>
      {number > 0 && <PhasesCard number={number} />}
      <Transactions block={b} />
    </>
  );
}

function StepTo({ number }: { number: number }) {
  return (
    <span class="stepper">
      {number > 0 && <a href={href("/block/" + (number - 1))} aria-label={t("older")} title={t("older")}>‹</a>}
      {number < (head.value ?? 0) && <a href={href("/block/" + (number + 1))} aria-label={t("newer")} title={t("newer")}>›</a>}
    </span>
  );
}

/** PhasesCard is how a block became final, as this node saw it. */
function PhasesCard({ number }: { number: number }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const loaded = useLoad(async () => {
    const [phases, votes, set] = await Promise.all([maybe<Phases | null>("pbft_blockPhases", number), maybe<{ blocks: Votes[] }>("pbft_participation", number, number), maybe<ValidatorSet | null>("pbft_validators", number)]);
    return { phases, votes: votes?.blocks[0], set };
  }, [number]);
  const v = loaded.value;
  const remembered = v?.phases?.acceptedUs || (v?.votes && v.set);
  return (
    <Card title={t("phases.title")} id="phases" note={v?.phases ? t("phases.note", { view: v.phases.view, epoch: v.phases.epoch }) : undefined}>
      <div ref={ref} class="phases">
        {!v ? <Wait lines={6} /> : !remembered ? <p class="empty">{t("phases.none")}</p> : width > 0 && (
          <>
            {v.votes && v.set && <Diagram set={v.set.validators} arrows={fromVotes(v.votes, v.set.validators)} self={status.value?.self} phases={v.phases} width={width} />}
            {v.phases && <Timeline phases={v.phases} width={width} />}
            {v.votes && v.set && <p class="quiet small">{t("phases.signed", { names: v.set.validators.filter((x) => has(v.votes!.certificate, x.index)).map((x) => x.name || short(x.address)).join(", ") })}</p>}
          </>
        )}
      </div>
    </Card>
  );
}

const perPage = 25;

function Transactions({ block: b }: { block: Block }) {
  const { rows: hashes, pager } = usePages(b.transactions, perPage);
  const { value, error } = useLoad(() => Promise.all(hashes.map((h) => call<FullTx>("eth_getTransactionByHash", h))), [hashes]);
  const rows = (value ?? []).filter((x) => x !== null);
  return (
    <Card
      title={`${t("transactions")} · ${whole(b.transactions.length)}`}
      id="block-transactions"
      flush
      actions={b.transactions.length > 0 && <Exports name={`block-${hexNumber(b.number)}-transactions`} rows={() => rows.map((x) => ({ index: hexNumber(x.transactionIndex), hash: x.hash, from: x.from, to: x.to, value: BigInt(x.value), input: x.input }))} />}
    >
      {error ? <Failed error={error} /> : b.transactions.length > 0 && !value ? <Wait lines={Math.min(8, hashes.length)} /> : (
        <Table
          rows={rows}
          label={t("transactions")}
          empty={t("block.notx")}
          keyOf={(x) => x.hash}
          columns={[
            { name: "#", cell: (x) => <span class="num quiet">{hexNumber(x.transactionIndex)}</span> },
            { name: t("hash"), cell: (x) => <Hash value={x.hash} to={"/tx/" + x.hash} /> },
            { name: t("from"), cell: (x) => <Address value={x.from} /> },
            { name: t("to"), cell: (x) => (x.to ? <Address value={x.to} /> : <Badge kind="info">{t("tx.creation")}</Badge>) },
            { name: t("method"), cell: (x) => (x.input.length >= 10 ? <code>{x.input.slice(0, 10)}</code> : <span class="quiet">{t("tx.transfer")}</span>) },
            { name: t("value"), right: true, cell: (x) => ether(x.value) },
          ]}
        />
      )}
      {pager}
    </Card>
  );
}
