import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Key } from "../i18n";
import { t } from "../i18n";
import Overview from "../pages/overview";
import { Failed, Wait } from "../ui/basics";

// Which page a path is. Each is a file of its own, but for the overview, with which most
// visits begin.

type Load = () => Promise<{ default: ComponentType<never> }>;

interface Route {
  pattern: RegExp;
  load: Load;
  props?: (m: RegExpExecArray) => object;
}

const routes: Route[] = [
  { pattern: /^\/blocks\/?$/, load: () => import("../pages/blocks") },
  { pattern: /^\/block\/([^/]+)$/, load: () => import("../pages/block"), props: (m) => ({ id: m[1]! }) },
  { pattern: /^\/tx\/([^/]+)$/, load: () => import("../pages/tx"), props: (m) => ({ hash: m[1]! }) },
  { pattern: /^\/address\/([^/]+)$/, load: () => import("../pages/address"), props: (m) => ({ address: m[1]! }) },
  { pattern: /^\/tokens\/?$/, load: () => import("../pages/tokens") },
  { pattern: /^\/token\/([^/]+)$/, load: () => import("../pages/token"), props: (m) => ({ address: m[1]! }) },
  { pattern: /^\/validators\/?$/, load: () => import("../pages/validators") },
  { pattern: /^\/pbft\/?$/, load: () => import("../pages/pbft") },
  { pattern: /^\/statistics\/?$/, load: () => import("../pages/statistics") },
  { pattern: /^\/network\/?$/, load: () => import("../pages/network") },
  { pattern: /^\/pool\/?$/, load: () => import("../pages/pool") },
  { pattern: /^\/permissions\/?$/, load: () => import("../pages/permissions") },
  { pattern: /^\/api\/?$/, load: () => import("../pages/api") },
];

/** sections are what the navigation shows, with the key that leads there after g. */
export const sections: { path: string; name: Key; key: string; also?: RegExp }[] = [
  { path: "/", name: "nav.overview", key: "o" },
  { path: "/blocks", name: "nav.blocks", key: "b", also: /^\/(block|tx)\// },
  { path: "/validators", name: "nav.validators", key: "v" },
  { path: "/pbft", name: "nav.pbft", key: "p" },
  { path: "/tokens", name: "nav.tokens", key: "t", also: /^\/token\// },
  { path: "/pool", name: "nav.pool", key: "m" },
  { path: "/statistics", name: "nav.statistics", key: "s" },
  { path: "/network", name: "nav.network", key: "n" },
  { path: "/permissions", name: "nav.permissions", key: "r" },
  { path: "/api", name: "nav.api", key: "a" },
];

const loaded = new Map<Load, ComponentType<never>>();

/** PageOf shows the page of a path. */
export function PageOf({ path }: { path: string }) {
  if (path === "/") return <Overview />;
  for (const route of routes) {
    const m = route.pattern.exec(path);
    if (m) return <Lazy key={route.pattern.source} load={route.load} props={route.props?.(m) ?? {}} />;
  }
  return (
    <div class="title">
      <h1>{t("absent")}</h1>
      <p class="sub">{t("absent.why")}</p>
    </div>
  );
}

function Lazy({ load, props }: { load: Load; props: object }) {
  const [, ready] = useState(0), [error, setError] = useState<unknown>();
  const Page = loaded.get(load) as ComponentType<object> | undefined;
  useEffect(() => {
    if (!Page) load().then((m) => { loaded.set(load, m.default); ready((n) => n + 1); }, setError);
  }, [load]);
  if (error) return <Failed error={error} />;
  return Page ? <Page key={JSON.stringify(props)} {...props} /> : <Wait lines={10} />;
}
