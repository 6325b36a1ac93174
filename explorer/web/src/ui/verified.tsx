import { t } from "../i18n";
import { printable } from "../lib/format";
import { href } from "../lib/router";
import type { Report } from "../proof/verify";
import { Address, Wait } from "./basics";

/** Verified shows what was checked in this browser, and what failed. */
export function Verified({ report, error }: { report?: Report; error?: unknown }) {
  if (error !== undefined) return <p class="note">{t("verify.impossible", { why: error instanceof Error ? error.message : String(error) })}</p>;
  if (!report) return <Wait lines={4} />;
  return (
    <div class={report.ok ? "verified ok" : "verified bad"} data-testid="verified" data-ok={report.ok}>
      <p class="verdict" role="status">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path class="shield" d="M10 1.5l7 2.5v5.2c0 4.4-3 7.6-7 9.3-4-1.7-7-4.9-7-9.3V4z" />
          {report.ok ? <path class="sign" d="M6.5 10l2.5 2.6 4.6-5" /> : <path class="sign" d="M7 7l6 6m0-6l-6 6" />}
        </svg>
        {report.ok ? t("verify.ok", { k: report.signers.length, n: report.validators, q: report.quorum }) : t("verify.bad")}
      </p>
      <ol class="checks">
        {report.checks.map((c) => (
          <li key={c.step} class={c.ok ? "ok" : "bad"} data-step={c.step} data-ok={c.ok}>
            <span class="check-name">{t(`verify.${c.step}`)}</span>
            {c.detail && <span class={c.ok ? "check-detail mono" : "check-detail"}>{printable(c.detail, 300)}</span>}
            {!c.ok && c.step === "genesis" && <a class="check-detail" href={href("/network")}>{t("verify.other")}</a>}
          </li>
        ))}
      </ol>
      {report.signers.length > 0 && (
        <p class="signers">
          <span class="quiet">{t("verify.signers")}</span>
          {report.signers.map((s) => (
            <Address key={s} value={s} />
          ))}
        </p>
      )}
    </div>
  );
}
