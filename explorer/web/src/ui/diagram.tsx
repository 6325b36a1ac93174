import { t } from "../i18n";
import type { Phases, Votes } from "../lib/chain";
import { ms, printable, short } from "../lib/format";
import { has, type Validator } from "../lib/sets";

// One sequence number as the paper draws it: the validators are lanes, the phases go to
// the right, and each vote is a bundle of arrows from its sender's lane.

/** Arrows is whose messages of each phase were seen, by index. */
export interface Arrows {
  primary: number; // -1: not known
  prepares: Set<number>;
  commits: Set<number>;
  certificate: Set<number>;
}

/** fromVotes reads the arrows of a block out of what was seen for it. */
export function fromVotes(v: Votes, set: Validator[]): Arrows {
  const members = (bits: string) => new Set(set.map((x) => x.index).filter((i) => has(bits, i)));
  const primary = set.find((x) => x.address.toLowerCase() === v.proposer.toLowerCase())?.index ?? -1;
  return { primary, prepares: members(v.prepares), commits: members(v.commits), certificate: members(v.certificate) };
}

const wideLane = 38;
const narrowLane = 46; // the names stand above the lanes
const top = 42;
const lanesShown = 16;

export function Diagram({ set, arrows, self, phases, width, down }: { set: Validator[]; arrows: Arrows; self?: string; phases?: Phases | null; width: number; down?: (address: string) => boolean }) {
  const narrow = width < 560, lane = narrow ? narrowLane : wideLane;
  const lanes = set.slice(0, lanesShown);
  const from = narrow ? 6 : 144, step = (width - from - (narrow ? 14 : 70)) / 3;
  const xs = [from, from + step, from + 2 * step, from + 3 * step] as const;
  const y = (i: number) => top + i * lane + lane / 2, height = top + lanes.length * lane + 30;
  const at = (us: number | null | undefined) => (phases?.acceptedUs && us ? ms(us - phases.acceptedUs) : "");
  const bundle = (kind: string, sender: number, x0: number, x1: number) =>
    lanes.filter((v) => v.index !== sender).map((v) => {
      const seen = v.address === self || lanes[sender]?.address === self;
      return <line key={`${kind}${sender}-${v.index}`} class={`arrow ${kind}${seen ? " direct" : ""}`} x1={x0} y1={y(sender)} x2={x1 - 5} y2={y(v.index)} marker-end={seen ? `url(#tip-${kind})` : undefined} />;
    });
  const role = (i: number, address: string, off: boolean) => (off ? t("diagram.off") : i === arrows.primary ? t("primary") : address === self ? t("diagram.self") : "");
  const count = (s: Set<number>) => `${s.size} / ${set.length}`;
  return (
    <svg class={narrow ? "diagram narrow" : "diagram"} width={width} height={height} role="img" aria-label={t("diagram.label", { prepares: arrows.prepares.size, commits: arrows.commits.size, n: set.length })} data-testid="diagram">
      <defs>
        {["pre", "prepare", "commit"].map((k) => (
          <marker key={k} id={"tip-" + k} viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto-start-reverse">
            <path class={"tip " + k} d="M0 0L8 4L0 8z" />
          </marker>
        ))}
      </defs>
      {(["PRE-PREPARE", "PREPARE", "COMMIT"] as const).map((name, i) => (
        <g key={name}>
          <rect class="phase-band" x={xs[i]! + 2} y={top - 6} width={step - 4} height={lanes.length * lane + 10} rx="6" />
          <text class={"phase-name p" + i} x={xs[i]! + step / 2} y="14" text-anchor="middle">{name}</text>
          <text class="phase-count" x={xs[i]! + step / 2} y="28" text-anchor="middle">{i === 0 ? "" : count(i === 1 ? arrows.prepares : arrows.commits)}</text>
        </g>
      ))}
      {lanes.map((v, i) => {
        const off = down?.(v.address) ?? false;
        return (
          <g key={v.address} class={off ? "lane off" : "lane"}>
            <line class="lane-line" x1={from} x2={width - 8} y1={y(i)} y2={y(i)} />
          </g>
        );
      })}
      {arrows.primary >= 0 && arrows.prepares.size > 0 && bundle("pre", arrows.primary, xs[0], xs[1])}
      {[...arrows.prepares].filter((i) => i !== arrows.primary && i < lanes.length).map((i) => bundle("prepare", i, xs[1], xs[2]))}
      {[...arrows.commits].filter((i) => i < lanes.length).map((i) => bundle("commit", i, xs[2], xs[3]))}
      {lanes.map((v, i) => (
        <g key={v.address}>
          {i === arrows.primary && <circle class="dot pre" cx={xs[0]} cy={y(i)} r="4.5" />}
          {arrows.prepares.has(v.index) && <circle class="dot prepare" cx={xs[1]} cy={y(i)} r="4" />}
          {arrows.commits.has(v.index) && <circle class="dot commit" cx={xs[2]} cy={y(i)} r="4" />}
          {arrows.certificate.has(v.index) && <circle class="dot final" cx={xs[3]} cy={y(i)} r="5.5"><title>{t("heat.certificate")}</title></circle>}
        </g>
      ))}
      {lanes.map((v, i) => {
        const off = down?.(v.address) ?? false;
        return (
          <g key={v.address} class={off ? "lane off" : "lane"}>
            <text class={v.address === self ? "lane-name self" : "lane-name"} x={narrow ? from + 6 : 0} y={narrow ? y(i) - 10 : y(i) + 4}>
              {printable(v.name || short(v.address), 18)}
              {narrow && <tspan class={off ? "lane-role bad" : "lane-role"} dx="8">{role(i, v.address, off)}</tspan>}
            </text>
            {!narrow && <text class={off ? "lane-role bad" : "lane-role"} x="0" y={y(i) + 16}>{role(i, v.address, off)}</text>}
          </g>
        );
      })}
      {[phases?.acceptedUs, phases?.preparedUs, phases?.committedUs].map((us, i) => (
        <text key={i} class="phase-time" x={xs[i + 1]} y={height - 8} text-anchor={i === 2 ? "end" : "middle"}>{us ? (i === 0 ? "0" : "+" + at(us)) : ""}</text>
      ))}
    </svg>
  );
}

/** Timeline is when this node saw a block go through each phase. */
export function Timeline({ phases, width }: { phases: Phases; width: number }) {
  const start = phases.acceptedUs;
  if (!start) return <p class="empty">{t("phases.none")}</p>;
  const steps = ([["accepted", phases.acceptedUs], ["executed", phases.executedUs], ["prepared", phases.preparedUs], ["commitSent", phases.commitSentUs], ["committed", phases.committedUs], ["durable", phases.durableUs]] as const)
    .filter((s): s is readonly [(typeof s)[0], number] => s[1] !== null)
    .sort((a, b) => a[1] - b[1]);
  const end = steps[steps.length - 1]![1], span = Math.max(1, end - start), label = width < 560 ? 92 : 130;
  const x = (us: number) => label + ((us - start) / span) * Math.max(40, width - label - 84);
  return (
    <svg class="timeline" width={width} height={steps.length * 26 + 8} role="img" aria-label={steps.map(([name, us]) => `${t(`phases.${name}`)} ${ms(us - start)}`).join(", ")} data-testid="timeline">
      {steps.map(([name, us], i) => {
        const before = i === 0 ? start : steps[i - 1]![1];
        return (
          <g key={name} transform={`translate(0 ${i * 26 + 4})`}>
            <text class="step-name" x="0" y="14">{t(`phases.${name}`)}</text>
            <line class="lane-line" x1={label} x2={x(before)} y1="10" y2="10" />
            <rect class={"step " + name} x={x(before)} y="5" width={Math.max(3, x(us) - x(before))} height="10" rx="3" />
            <text class="step-time" x={x(us) + 8} y="14">{i === 0 ? "0" : "+" + ms(us - start)}</text>
          </g>
        );
      })}
    </svg>
  );
}
