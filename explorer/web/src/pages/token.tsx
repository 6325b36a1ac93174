import { t } from "../i18n";
import { head } from "../lib/chain";
import { printable, units, whole } from "../lib/format";
import { holders, token as tokenOf, type Holder } from "../lib/index";
import { go, href, place } from "../lib/router";
import { Address, Badge, BlockLink, Card, Facts, Hash, Mark, Tabs, Title, useLoad, useTitle } from "../ui/basics";
import { Indexed, off } from "../ui/list";
import { supplyOf } from "../lib/tokens";
import { Amount, Transfers, useMeta } from "../ui/tokens";

type Part = "transfers" | "holders";

export default function TokenPage({ address }: { address: string }) {
  const valid = /^0x[0-9a-fA-F]{40}$/.test(address);
  useTitle(t("token"));
  if (!valid) return <><Title>{t("token")}</Title><p class="empty">{t("address.bad")}</p></>;
  return <Shown address={address.toLowerCase()} />;
}

function Shown({ address }: { address: string }) {
  const meta = useMeta(address);
  const row = useLoad(() => tokenOf(address), [address, head.value]), supply = useLoad(() => supplyOf(address), [address, head.value]).value;
  const part: Part = place.value.query.get("part") === "holders" ? "holders" : "transfers";
  const x = row.value;
  return (
    <>
      <Title sub={<span class="address"><Mark address={address} /><Hash value={address} to={"/address/" + address} full copy /></span>}>
        <bdi>{printable(meta?.name || t("token"), 48)}</bdi> {meta?.symbol && <Badge kind="quiet"><bdi>{printable(meta.symbol, 20)}</bdi></Badge>}
      </Title>
      <Card id="token-facts" note={t("token.note")}>
        <Facts
          rows={[
            !!x && [t("standard"), x.standard],
            !!meta && supply !== undefined && [t("token.supply"), <span class="num">{units(supply, meta.decimals)}</span>],
            !!meta && [t("token.decimals"), String(meta.decimals)],
            !!x && [t("transfers"), whole(x.transfers)],
            !!x && [t("holders"), whole(x.holders)],
            !!x && [t("tokens.first"), <BlockLink number={x.firstBlock} />],
            [t("contract"), <a href={href(`/address/${address}?part=contract`)}>{t("contract.open")}</a>],
          ]}
        />
        {row.value === null && <p class="empty">{t("token.absent")}</p>}
        {row.error !== undefined && off(row.error) && <p class="empty">{t("index.off")}</p>}
      </Card>
      <Tabs tabs={[["transfers", t("transfers")], ["holders", t("holders")]]} chosen={part} choose={(p) => go(`/token/${address}${p === "holders" ? "?part=holders" : ""}`, true)} />
      {part === "transfers" ? <Transfers filter={{ token: address }} /> : (
        <Indexed<Holder>
          id="holders"
          label={t("holders")}
          load={(c) => holders(address, c)}
          keys={[address]}
          fresh={head.value}
          keyOf={(h) => h.address + (h.id ?? "")}
          empty={t("token.noholders")}
          row={(h) => ({ address: h.address, balance: BigInt(h.balance), id: h.id === null ? null : BigInt(h.id) })}
          columns={[
            { name: t("address"), cell: (h) => <Address value={h.address} full /> },
            { name: t("amount"), right: true, cell: (h) => <Amount token={address} value={h.balance} id={h.id} standard={x?.standard ?? "ERC20"} /> },
          ]}
        />
      )}
    </>
  );
}
