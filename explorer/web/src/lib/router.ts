import { signal } from "@preact/signals";

// Paths below /explorer/ are pages; the node answers each with the same index.html.

export const base = "/explorer";

export interface Place {
  path: string; // without the base, begins with /
  query: URLSearchParams;
}

/** pathOf is a path of the window without the base; one that is no text stays as it is and leads nowhere. */
export function pathOf(pathname: string): string {
  const path = pathname.slice(base.length) || "/";
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

const read = (): Place => ({ path: pathOf(location.pathname), query: new URLSearchParams(location.search) });

/** place is where the user is. */
export const place = signal<Place>(read());

addEventListener("popstate", () => (place.value = read()));

export const href = (path: string): string => base + path;

/** go leads to a page. */
export function go(path: string, replace = false): void {
  history[replace ? "replaceState" : "pushState"](null, "", href(path));
  place.value = read();
  if (!replace) {
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
}

// One listener makes every link of this origin a step inside the page.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a");
  const to = link?.getAttribute("href");
  if (!link || !to?.startsWith(base + "/") || link.hasAttribute("download") || link.target) return;
  event.preventDefault();
  go(to.slice(base.length));
});
