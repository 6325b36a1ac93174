import { t } from "../i18n";
import { chainId, client, feed, head, peers, status } from "../lib/chain";
import { hexNumber, moment, printable, short, whole } from "../lib/format";
import { genesis, pin, pinned } from "../lib/proofs";
import { maybe } from "../lib/rpc";
import { href } from "../lib/router";
import { nameOf } from "../lib/sets";
import { useState } from "preact/hooks";
import { Badge, Card, Facts, Failed, Hash, Table, Title, useLoad, useTitle, Wait } from "../ui/basics";
import { ValidatorState } from "./validators";

interface Range {
  enabled: boolean;
  first?: string;
  last?: string;
}

export default function Network() {
  useTitle(t("nav.network"));
  const s = status.value;
  const syncing = useLoad(() => maybe<false | { currentBlock: string; highestBlock: string }>("eth_syncing"), [head.value]);
  const modules = useLoad(() => maybe<Record<string, string>>("rpc_modules"), []);
  const index = useLoad(() => maybe<Record<string, Range>>("index_status"), [head.value !== undefined && Math.floor(head.value / 10)]);
  return (
    <>
      <Title>{t("nav.network")}</Title>
      <div class="halves">
        <Card title={t("network.node")} id="node">
          <Facts
            rows={[
              [t("network.name"), s?.self ? (nameOf(s.self) ?? short(s.self)) : t("pbft.observer")],
              [t("network.version"), <span class="wrap">{client.value || "–"}</span>],
              [t("tile.block"), head.value === undefined ? "–" : whole(head.value)],
              [t("network.sync"), syncing.value ? t("network.behind", { at: whole(syncing.value.currentBlock), of: whole(syncing.value.highestBlock) }) : <Badge kind="ok">{t("network.synced")}</Badge>],
              [t("network.peers"), peers.value ?? "–"],
              [t("network.feed"), t(`feed.${feed.value}`)],
              [t("network.modules"), modules.value ? Object.keys(modules.value).sort().join(", ") : "–"],
            ]}
          />
        </Card>
        <Genesis />
      </div>
      <Card title={t("network.validators")} id="peers" flush>
        {!s ? <Wait /> : (
          <Table
            rows={s.validators}
            label={t("network.validators")}
            empty="–"
            keyOf={(v) => v.address}
            columns={[
              { name: t("validator"), cell: (v) => <a href={href("/address/" + v.address)}>{printable(nameOf(v.address) ?? short(v.address), 30)}</a> },
              { name: t("state"), cell: (v) => <ValidatorState connected={v.connected} mode={v.mode} suspended={v.suspended} asks={v.asks} /> },
              { name: t("epoch"), right: true, cell: (v) => (v.mode === "unknown" ? "–" : v.epoch) },
              { name: t("tile.view"), right: true, cell: (v) => (v.mode === "unknown" ? "–" : v.view) },
              { name: t("block"), right: true, cell: (v) => (v.mode === "unknown" ? "–" : whole(v.committed)) },
            ]}
          />
        )}
      </Card>
      <Observers />
      <Card title={t("network.index")} id="index" note={t("network.index.note")}>
        {!index.value ? <p class="empty">{t("index.off")}</p> : (
          <Facts rows={Object.entries(index.value).map(([name, r]): [string, preact.ComponentChildren] => [name, r.enabled ? r.first !== undefined && r.last !== undefined ? `${whole(hexNumber(r.first))} – ${whole(hexNumber(r.last))}` : t("on") : <span class="quiet">{t("off")}</span>])} />
        )}
      </Card>
    </>
  );
}

/** Genesis is what this browser trusts, and where it can be told what to trust. */
function Genesis() {
  const birth = useLoad(genesis, []);
  const [text, setText] = useState("");
  const p = pinned.value, valid = /^0x[0-9a-fA-F]{64}$/.test(text.trim());
  const fits = birth.value && p ? birth.value.hash.toLowerCase() === p.hash : undefined;
  return (
    <Card title={t("genesis.title")} id="genesis" note={t("genesis.note")}>
      {birth.error ? <Failed error={birth.error} /> : null}
      <Facts
        rows={[
          [t("network.chain"), chainId.value === undefined ? "–" : chainId.value.toString()],
          [t("genesis.node"), birth.value ? <Hash value={birth.value.hash} full copy /> : "–"],
          !!p && [t("genesis.trusted"), <><Hash value={p.hash} full />{" "}<Badge kind={fits === false ? "bad" : p.by === "user" ? "ok" : "quiet"}>{fits === false ? t("genesis.other") : p.by === "user" ? t("genesis.byuser") : t("genesis.first", { when: moment(p.since / 1000) })}</Badge></>],
        ]}
      />
      <form class="inline" onSubmit={(e) => { e.preventDefault(); if (valid) { pin(text.trim(), "user"); setText(""); } }}>
        <label class="field">
          <span>{t("genesis.give")}</span>
          <input class="mono" value={text} spellcheck={false} autocomplete="off" placeholder="0x…" onInput={(e) => setText(e.currentTarget.value)} />
        </label>
        <button type="submit" class="primary" disabled={!valid}>{t("genesis.pin")}</button>
      </form>
    </Card>
  );
}

function Observers() {
  const list = useLoad(async () => (await import("../lib/system")).observers(), []);
  return (
    <Card title={t("network.observers")} id="observers" flush>
      <Table
        rows={list.value ?? []}
        label={t("network.observers")}
        empty={t("network.noobservers")}
        keyOf={(o) => o.nodeId}
        columns={[
          { name: t("name"), cell: (o) => printable(o.name || "–", 40) },
          { name: t("network.nodeid"), cell: (o) => <Hash value={o.nodeId} copy /> },
        ]}
      />
    </Card>
  );
}
