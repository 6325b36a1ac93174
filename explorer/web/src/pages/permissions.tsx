import { t, type Key } from "../i18n";
import { head } from "../lib/chain";
import { whole } from "../lib/format";
import { allowList, ask, deployers, observersAt, parametersAt, senders } from "../lib/system";
import { Address, Badge, Card, Exports, Facts, Table, Title, useLoad, useTitle, Wait } from "../ui/basics";

const roles: Key[] = ["role.none", "role.enabled", "role.admin", "role.manager"];
const parameters = ["epochLength", "primarySpan", "blockGasLimit", "minGasPrice", "transactionGasCap"];

export default function Permissions() {
  useTitle(t("nav.permissions"));
  const often = head.value !== undefined && Math.floor(head.value / 5);
  return (
    <>
      <Title sub={t("permissions.sub")}>{t("nav.permissions")}</Title>
      <List title={t("permissions.senders")} address={senders} often={often} />
      <List title={t("permissions.deployers")} address={deployers} often={often} />
      <List title={t("permissions.observers")} address={observersAt} often={often} />
      <Parameters often={often} />
    </>
  );
}

function List({ title, address, often }: { title: string; address: string; often: unknown }) {
  const list = useLoad(() => allowList(address), [address, often]);
  const v = list.value;
  return (
    <Card
      title={<>{title} {v?.closed !== undefined && <Badge kind={v.closed ? "warn" : "ok"}>{t(v.closed ? "permissions.closed" : "permissions.open")}</Badge>}</>}
      flush
      note={v ? t(v.closed === undefined ? "permissions.note.observers" : v.closed ? "permissions.note.closed" : "permissions.note.open") : undefined}
      actions={v && v.accounts.length > 0 && <Exports name={"permissions-" + address} rows={() => v.accounts.map((a) => ({ ...a }))} />}
    >
      {list.error ? <p class="empty">{t("permissions.unreadable")}</p> : !v ? <Wait /> : (
        <Table
          rows={v.accounts}
          label={title}
          empty={t("permissions.none")}
          keyOf={(a) => a.address}
          columns={[
            { name: t("address"), cell: (a) => <Address value={a.address} full /> },
            { name: t("role"), cell: (a) => <Badge kind={a.role === 2 ? "info" : "quiet"}>{t(roles[a.role] ?? "role.none")}</Badge> },
            { name: t("state"), cell: (a) => (a.frozen ? <Badge kind="bad">{t("frozen")}</Badge> : <span class="quiet">–</span>) },
          ]}
        />
      )}
      {v && v.count > v.accounts.length && <p class="empty">{t("permissions.more", { n: v.count })}</p>}
    </Card>
  );
}

function Parameters({ often }: { often: unknown }) {
  const list = useLoad(() => Promise.all(parameters.map(async (name) => [name, await ask<bigint>(parametersAt, "parameter", [word(name)]).catch(() => undefined)] as const)), [often]);
  return (
    <Card title={t("permissions.parameters")} id="parameters" note={t("permissions.parameters.note")}>
      {!list.value ? <Wait /> : <Facts rows={list.value.map(([name, v]): [string, string] => [name, v === undefined ? "–" : whole(v)])} />}
    </Card>
  );
}

const word = (name: string): string => "0x" + [...new TextEncoder().encode(name)].map((b) => b.toString(16).padStart(2, "0")).join("").padEnd(64, "0");
