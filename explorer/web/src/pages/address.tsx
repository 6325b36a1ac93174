import { useState } from "preact/hooks";
import { t } from "../i18n";
import { head } from "../lib/chain";
import { system } from "../lib/abi";
import { bytes, ether, hexNumber, moment, printable, whole } from "../lib/format";
import { balances, creatorOf, token as tokenOf, transactionCountOf, transactionsOf, type Balance, type IndexedTransaction } from "../lib/index";
import { call, maybe } from "../lib/rpc";
import { go, href, place } from "../lib/router";
import { nameOf } from "../lib/sets";
import { Address, Age, Badge, BlockLink, Card, Facts, Failed, Hash, Mark, Tabs, Title, useLoad, useTitle, Wait } from "../ui/basics";
import { Indexed } from "../ui/list";
import { Amount, TokenName, Transfers, useMeta } from "../ui/tokens";
import { Contract } from "../ui/contract";

type Part = "transactions" | "transfers" | "tokens" | "contract";

export default function AddressPage({ address }: { address: string }) {
  const valid = /^0x[0-9a-fA-F]{40}$/.test(address);
  useTitle(address.slice(0, 12));
  if (!valid) return <><Title>{t("address")}</Title><p class="empty">{t("address.bad")}</p></>;
  return <Shown address={address.toLowerCase()} />;
}

function Shown({ address }: { address: string }) {
  const account = useLoad(() => call<{ balance: string; nonce: string; code: string }>("eth_getAccountInfo", address, "latest"), [address, head.value]);
  const known = useLoad(() => tokenOf(address).catch(() => null), [address]);
  const code = account.value?.code ?? "0x", contract = code !== "0x", name = nameOf(address) ?? system[address]?.name;
  const origin = useLoad(() => creatorOf(address), [address, account.value?.code, account.value?.nonce]).value; // a page can be open before the contract is made
  const gone = !contract && !!origin?.destroyed;
  const role = useLoad(async () => (contract || gone ? undefined : rolesOf(address)), [address, head.value, contract || gone]); // what has no key sends nothing
  const meta = useMeta(contract ? address : undefined);
  const asked = place.value.query.get("part");
  const parts: [Part, string][] = [["transactions", t("transactions")], ["transfers", t("transfers")], ["tokens", t("nav.tokens")], ...(contract ? [["contract", t("contract")] as [Part, string]] : [])];
  const part = parts.find(([p]) => p === asked)?.[0] ?? (contract && asked === null && system[address] ? "contract" : "transactions");
  return (
    <>
      <Title sub={<span class="address"><Mark address={address} /><Hash value={address} full copy /></span>}>
        {name ? printable(name, 40) : contract || gone ? t("contract") : t("address")} {contract && <Badge kind="info">{t("contract")}</Badge>} {gone && <Badge kind="warn">{t("address.destroyed")}</Badge>} {known.value && <a href={href("/token/" + address)}><Badge kind="info">{known.value.standard}</Badge></a>}
      </Title>
      <Card id="address-facts">
        {account.error ? <Failed error={account.error} /> : !account.value ? <Wait lines={2} /> : (
          <Facts
            rows={[
              [t("balance"), <strong class="num">{ether(account.value.balance)}</strong>],
              [t("nonce"), whole(account.value.nonce)],
              contract && [t("code"), bytes((code.length - 2) / 2)],
              !!origin && [t("creator"), <><Address value={origin.creator} /> · <Hash value={origin.transactionHash} to={"/tx/" + origin.transactionHash} /> <span class="quiet">· {t("block")} <BlockLink number={origin.blockNumber} /></span></>],
              gone && [t("destroyed"), t("address.destroyed.how")],
              !!meta?.name && [t("token"), <bdi>{printable(meta.name, 48)}</bdi>],
              !!role.value && [t("roles"), role.value],
            ]}
          />
        )}
      </Card>
      <Tabs tabs={parts} chosen={part} choose={(p) => go(`/address/${address}?part=${p}`, true)} />
      {part === "transactions" && <Transactions address={address} />}
      {part === "transfers" && <Transfers filter={{ address }} />}
      {part === "tokens" && <Balances address={address} />}
      {part === "contract" && contract && <Contract address={address} code={code} />}
    </>
  );
}

/** rolesOf asks the two lists whether an account may send and deploy. */
async function rolesOf(address: string): Promise<string | undefined> {
  const data = "0xbabcc539" + address.slice(2).padStart(64, "0"); // isAllowed(address)
  const [send, deploy] = await Promise.all(["3", "4"].map((n) => maybe<string>("eth_call", { to: "0x71756f726174650000000000000000000000000" + n, data }, "latest")));
  if (!send || !deploy || send === "0x") return undefined;
  return `${t(BigInt(send) === 1n ? "may.send" : "maynot.send")}, ${t(BigInt(deploy) === 1n ? "may.deploy" : "maynot.deploy")}`;
}

function Transactions({ address }: { address: string }) {
  const [newest, setNewest] = useState<string>(); // whenever it is another one they are counted again
  const count = useLoad(async () => (newest ? transactionCountOf(address) : undefined), [address, newest]).value;
  const load = async (cursor: string | null, oldestFirst: boolean) => {
    const page = await transactionsOf(address, cursor, oldestFirst);
    if (cursor === null && !oldestFirst) setNewest(page.items[0]?.hash);
    return page;
  };
  return (
    <Indexed<IndexedTransaction>
      id="address-transactions"
      title={count && (count.exact && BigInt(count.count) === 1n ? t("count.transaction") : t(count.exact ? "count.transactions" : "count.transactions.least", { n: whole(count.count) }))}
      label={t("transactions")}
      load={load}
      both
      keys={[address]}
      fresh={head.value}
      keyOf={(x) => x.hash}
      empty={t("address.none")}
      row={(x) => ({ hash: x.hash, block: hexNumber(x.blockNumber), time: moment(hexNumber(x.timestamp)), from: x.from, to: x.to, value: BigInt(x.value), selector: x.selector, nonce: hexNumber(x.nonce), gasUsed: BigInt(x.gasUsed), status: hexNumber(x.status), contract: x.contractAddress })}
      columns={[
        { name: t("hash"), cell: (x) => <span class="with-state">{hexNumber(x.status) === 1 ? null : <Badge kind="bad">{t("tx.reverted")}</Badge>}<Hash value={x.hash} to={"/tx/" + x.hash} /></span> },
        { name: t("block"), cell: (x) => <BlockLink number={x.blockNumber} /> },
        { name: t("age"), cell: (x) => <Age at={hexNumber(x.timestamp)} /> },
        { name: t("from"), cell: (x) => <><Address value={x.from} /> {x.from.toLowerCase() === address && x.to?.toLowerCase() !== address && <span class="direction">{t("out")}</span>}</> },
        { name: t("to"), cell: (x) => (x.to ? <Address value={x.to} /> : <><Badge kind="info">{t("tx.creation")}</Badge> {x.contractAddress && hexNumber(x.status) === 1 && <Address value={x.contractAddress} />}</>) },
        { name: t("method"), cell: (x) => (x.to === null ? <span class="quiet">–</span> : x.selector.length === 10 ? <code>{x.selector}</code> : <span class="quiet">{t("tx.transfer")}</span>) },
        { name: t("value"), right: true, cell: (x) => ether(x.value) },
      ]}
    />
  );
}

function Balances({ address }: { address: string }) {
  return (
    <Indexed<Balance>
      id="address-tokens"
      label={t("nav.tokens")}
      load={(c) => balances(address, c)}
      keys={[address]}
      fresh={head.value}
      keyOf={(x) => x.token + (x.id ?? "")}
      empty={t("address.notokens")}
      row={(x) => ({ token: x.token, standard: x.standard, balance: BigInt(x.balance), id: x.id === null ? null : BigInt(x.id) })}
      columns={[
        { name: t("token"), cell: (x) => <TokenName address={x.token} /> },
        { name: t("standard"), cell: (x) => <Badge kind="quiet">{x.standard}</Badge> },
        { name: t("amount"), right: true, cell: (x) => <Amount token={x.token} value={x.balance} id={x.id} standard={x.standard} /> },
      ]}
    />
  );
}
