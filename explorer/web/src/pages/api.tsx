import { useMemo, useState } from "preact/hooks";
import { t } from "../i18n";
import { json } from "../lib/export";
import { call, RpcError } from "../lib/rpc";
import { go, place } from "../lib/router";
import { Card, Copy, Failed, Title, useLoad, useTitle, Wait } from "../ui/basics";

interface Param {
  name: string;
  required?: boolean;
  description?: string;
  schema?: { title?: string; type?: string; description?: string };
}

interface Method {
  name: string;
  summary?: string;
  description?: string;
  params: Param[];
  result?: { name: string; description?: string };
  examples?: { params: { value: unknown }[]; result?: { value: unknown } }[];
}

interface Document {
  methods: Method[];
  info: { version: string };
}

export default function Api() {
  useTitle(t("nav.api"));
  const doc = useLoad(() => call<Document>("rpc_discover"), []);
  const [filter, setFilter] = useState("");
  const chosen = place.value.query.get("method");
  const groups = useMemo(() => {
    const out = new Map<string, Method[]>();
    for (const m of doc.value?.methods ?? []) {
      if (!m.name.toLowerCase().includes(filter.toLowerCase())) continue;
      const space = m.name.split("_")[0]!;
      out.set(space, [...(out.get(space) ?? []), m]);
    }
    return [...out].sort(([a], [b]) => a.localeCompare(b));
  }, [doc.value, filter]);
  const method = doc.value?.methods.find((m) => m.name === chosen) ?? doc.value?.methods.find((m) => m.name === "eth_blockNumber");
  if (doc.error) return <Failed error={doc.error} />;
  if (!doc.value) return <Wait lines={12} />;
  return (
    <>
      <Title sub={t("api.sub", { n: doc.value.methods.length })}>{t("nav.api")}</Title>
      <div class="api">
        <Card id="api-methods">
          <label class="field"><span>{t("api.filter")}</span><input type="search" value={filter} data-testid="api-filter" onInput={(e) => setFilter(e.currentTarget.value)} /></label>
          <nav class="methods" aria-label={t("api.methods")} tabIndex={0}>
            {groups.map(([space, list]) => (
              <details key={space} open={filter !== "" || list.some((m) => m.name === method?.name)}>
                <summary>{space} <span class="quiet num">{list.length}</span></summary>
                <ul>
                  {list.map((m) => (
                    <li key={m.name}><button type="button" aria-current={m.name === method?.name ? "true" : undefined} onClick={() => go("/api?method=" + m.name, true)}>{m.name}</button></li>
                  ))}
                </ul>
              </details>
            ))}
          </nav>
        </Card>
        {method && <Try key={method.name} method={method} />}
      </div>
    </>
  );
}

/** Try sends one call and shows the answer as it came. */
function Try({ method }: { method: Method }) {
  const example = method.examples?.[0];
  const [text, setText] = useState(() => JSON.stringify(example ? example.params.map((p) => p.value) : [], null, 2));
  const [outcome, setOutcome] = useState<{ text: string; ok: boolean; took: number } | undefined>();
  const [busy, setBusy] = useState(false);
  const curl = `curl -s -H 'Content-Type: application/json' ${location.origin} -d '${JSON.stringify({ jsonrpc: "2.0", id: 1, method: method.name, params: safeParse(text) ?? [] }).replaceAll("'", "'\\''")}'`;
  const send = async () => {
    const began = performance.now();
    setBusy(true);
    try {
      const params = JSON.parse(text) as unknown;
      if (!Array.isArray(params)) throw new Error(t("api.list"));
      const value = await call<unknown>(method.name, ...(params as unknown[]));
      setOutcome({ text: json(value), ok: true, took: performance.now() - began });
    } catch (e) {
      const detail = e instanceof RpcError ? json({ code: e.code, message: e.message, data: e.data }) : e instanceof Error ? e.message : String(e);
      setOutcome({ text: detail, ok: false, took: performance.now() - began });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card title={<span class="mono">{method.name}</span>} id="api-try">
      <p>{method.summary ?? method.description}</p>
      {method.params.length > 0 && (
        <dl class="args">
          {method.params.map((p) => (
            <div key={p.name}>
              <dt><span class="mono">{p.name}</span> {!p.required && <span class="quiet">{t("api.optional")}</span>}</dt>
              <dd class="quiet">{p.description ?? p.schema?.description ?? p.schema?.title ?? p.schema?.type ?? ""}</dd>
            </div>
          ))}
        </dl>
      )}
      <form onSubmit={(e) => { e.preventDefault(); void send(); }}>
        <label class="field"><span>{t("api.params")}</span><textarea rows={Math.min(12, text.split("\n").length + 1)} spellcheck={false} value={text} data-testid="api-params" onInput={(e) => setText(e.currentTarget.value)} /></label>
        <div class="row"><button type="submit" class="primary" disabled={busy} data-testid="api-send">{t("api.send")}</button><span class="quiet small"><Copy text={curl} /> curl</span></div>
      </form>
      {outcome && (
        <>
          <p class={outcome.ok ? "quiet small" : "bad-text small"}>{outcome.ok ? t("api.answer") : t("api.error")} · {outcome.took.toFixed(0)} ms</p>
          <pre class="answer" tabIndex={0} data-testid="api-answer">{outcome.text.length > 50_000 ? outcome.text.slice(0, 50_000) + "…" : outcome.text}</pre>
        </>
      )}
    </Card>
  );
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
