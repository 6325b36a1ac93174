import { t } from "../i18n";
import { head } from "../lib/chain";
import { hexNumber, printable, whole } from "../lib/format";
import { tokens, type Token } from "../lib/index";
import { Address, Badge, BlockLink, Title, useTitle } from "../ui/basics";
import { Indexed } from "../ui/list";
import { TokenName, useMeta } from "../ui/tokens";

export default function Tokens() {
  useTitle(t("nav.tokens"));
  return (
    <>
      <Title sub={t("tokens.sub")}>{t("nav.tokens")}</Title>
      <Indexed<Token>
        id="tokens"
        label={t("nav.tokens")}
        load={tokens}
        keys={[]}
        fresh={head.value !== undefined && Math.floor(head.value / 5)}
        keyOf={(x) => x.address}
        empty={t("tokens.none")}
        row={(x) => ({ address: x.address, standard: x.standard, transfers: hexNumber(x.transfers), holders: hexNumber(x.holders), firstBlock: hexNumber(x.firstBlock) })}
        columns={[
          { name: t("token"), cell: (x) => <TokenName address={x.address} /> },
          { name: t("name"), cell: (x) => <Name address={x.address} /> },
          { name: t("address"), cell: (x) => <Address value={x.address} /> },
          { name: t("standard"), cell: (x) => <Badge kind="quiet">{x.standard}</Badge> },
          { name: t("transfers"), right: true, cell: (x) => whole(x.transfers) },
          { name: t("holders"), right: true, cell: (x) => whole(x.holders) },
          { name: t("tokens.first"), right: true, cell: (x) => <BlockLink number={x.firstBlock} /> },
        ]}
      />
    </>
  );
}

function Name({ address }: { address: string }) {
  const meta = useMeta(address);
  return meta?.name ? <bdi>{printable(meta.name, 40)}</bdi> : <span class="quiet">–</span>;
}
