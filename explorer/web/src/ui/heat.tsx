import { t } from "../i18n";
import { blocks, votes, type Votes } from "../lib/chain";
import { hexNumber, printable, short } from "../lib/format";
import { go } from "../lib/router";
import { has, placeOf, setOf, validators, type ValidatorSet } from "../lib/sets";
import { useWidth } from "./width";

// The heat strip: the last blocks from left to right, the validators below each other.
// A full square proposed the block, a filled one is in its certificate, a pale one voted
// after the quorum, an empty one was not seen. Nothing is drawn where a validator of today
// was none.

export type Seen = "proposed" | "certificate" | "later" | "none" | "unknown" | "absent";

/** seenOf tells what was seen of a validator for a block, by the set that decided the block. */
export function seenOf(v: Votes | undefined, set: ValidatorSet | undefined, address: string): Seen {
  if (!v || !set) return "unknown";
  if (v.proposer.toLowerCase() === address.toLowerCase()) return "proposed";
  const i = placeOf(set, address);
  if (i === undefined) return "absent";
  if (has(v.certificate, i)) return "certificate";
  return has(v.commits, i) || has(v.prepares, i) ? "later" : "none";
}

const rowsShown = 40;
const pitch = 15; // px from one square to the next

export function Heat() {
  const [ref, width] = useWidth<HTMLDivElement>();
  const set = validators.value?.validators ?? [];
  const names = width < 560 ? 92 : 150;
  const columns = Math.max(8, Math.min(100, Math.floor((width - names) / pitch)));
  const all = blocks.value.map((b) => hexNumber(b.number)).filter((n) => n > 0);
  const known = all.findIndex((n) => votes.value.has(n)); // the newest ones are still being asked for
  const numbers = all.slice(Math.max(0, known), Math.max(0, known) + columns).reverse();
  const shown = set.slice(0, rowsShown), height = Math.max(1, shown.length) * (pitch + 5) + 18;
  return (
    <div ref={ref} class="heat" data-testid="heat">
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={t("heat.label", { blocks: numbers.length, validators: set.length })}>
          {shown.map((v, row) => (
            <g key={v.address} transform={`translate(0 ${row * (pitch + 5)})`}>
              <text class="heat-name" x="0" y="11">{printable(v.name || short(v.address), names < 100 ? 13 : 20)}</text>
              {numbers.map((n, column) => {
                const of = votes.value.get(n), seen = seenOf(of, of && setOf(of.epoch), v.address);
                return (
                  <rect key={n} class={"seen " + seen} data-seen={seen} x={names + column * pitch} y="0" width={pitch - 3} height={pitch} rx="3" onClick={() => go("/block/" + n)}>
                    <title>{`${n} · ${printable(v.name || v.address, 42)} · ${t(`heat.${seen}`)}`}</title>
                  </rect>
                );
              })}
            </g>
          ))}
          {numbers.length > 0 && (
            <>
              <text class="heat-axis" x={names} y={height - 3}>{numbers[0]}</text>
              {numbers.length > 8 && <text class="heat-axis" x={names + numbers.length * pitch - 3} y={height - 3} text-anchor="end">{numbers[numbers.length - 1]}</text>}
            </>
          )}
        </svg>
      )}
      <ul class="legend">
        {(["proposed", "certificate", "later", "none"] as const).map((s) => (
          <li key={s}>
            <svg viewBox="0 0 12 12" aria-hidden="true"><rect class={"seen " + s} x="1" y="1" width="10" height="10" rx="2.5" /></svg>
            {t(`heat.${s}`)}
          </li>
        ))}
        {set.length > rowsShown && <li class="quiet">{t("heat.more", { n: set.length - rowsShown })}</li>}
      </ul>
    </div>
  );
}
