import { t } from "../i18n";
import { head } from "../lib/chain";
import { hexNumber, moment, printable, short, units, whole } from "../lib/format";
import { transfers, type Transfer } from "../lib/index";
import { metaOf, type Meta } from "../lib/tokens";
import { href } from "../lib/router";
import { Address, Age, BlockLink, Hash, useLoad } from "./basics";
import { Indexed } from "./list";

/** useMeta is what a token says of itself, once it has answered. */
export const useMeta = (address?: string): Meta | undefined => useLoad(async () => (address ? metaOf(address) : undefined), [address]).value;

/** TokenName is a token by the name it gives itself, which may be anything. */
export function TokenName({ address }: { address: string }) {
  const meta = useMeta(address);
  return (
    <a href={href("/token/" + address.toLowerCase())} title={address} class={meta?.symbol ? "token-name" : "mono"}>
      <bdi>{meta?.symbol ? printable(meta.symbol, 20) : short(address)}</bdi>
    </a>
  );
}

/** Amount is a balance of a token, exactly, in its own units. */
export function Amount({ token, value, id, standard }: { token: string; value: string; id: string | null; standard: string }) {
  const meta = useMeta(token);
  if (id !== null) return <span class="num">{standard === "ERC1155" ? whole(value) + " × " : ""}#{shortNumber(BigInt(id))}</span>;
  if (!meta) return <span class="quiet">…</span>; // without its decimals it would be another amount
  return <span class="num" title={BigInt(value).toString()}>{units(BigInt(value), meta.decimals)}</span>;
}

/** shortNumber keeps numbers of 78 digits from breaking a table. */
const shortNumber = (n: bigint): string => {
  const s = n.toString();
  return s.length > 16 ? s.slice(0, 8) + "…" + s.slice(-4) : s;
};

/** Transfers lists movements of a token, or of an address's tokens. */
export function Transfers({ filter, title }: { filter: { token?: string; address?: string }; title?: string }) {
  return (
    <Indexed<Transfer>
      id="transfers"
      title={title}
      label={t("transfers")}
      load={(c) => transfers(filter, c)}
      keys={[filter.token, filter.address]}
      fresh={head.value}
      keyOf={(x) => `${x.transactionHash}-${x.logIndex}-${x.id ?? ""}`}
      empty={t("transfers.none")}
      row={(x) => ({ block: hexNumber(x.blockNumber), time: moment(hexNumber(x.timestamp)), transaction: x.transactionHash, logIndex: hexNumber(x.logIndex), token: x.token, standard: x.standard, from: x.from, to: x.to, value: BigInt(x.value), id: x.id === null ? null : BigInt(x.id) })}
      columns={[
        { name: t("transaction"), cell: (x) => <Hash value={x.transactionHash} to={"/tx/" + x.transactionHash} /> },
        { name: t("block"), cell: (x) => <BlockLink number={x.blockNumber} /> },
        { name: t("age"), cell: (x) => <Age at={hexNumber(x.timestamp)} /> },
        { name: t("from"), cell: (x) => <Address value={x.from} /> },
        { name: t("to"), cell: (x) => <Address value={x.to} /> },
        ...(filter.token ? [] : [{ name: t("token"), cell: (x: Transfer) => <TokenName address={x.token} /> }]),
        { name: t("amount"), right: true, cell: (x) => <Amount token={x.token} value={x.value} id={x.id} standard={x.standard} /> },
      ]}
    />
  );
}
