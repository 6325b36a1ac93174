// What the modules expect of a browser, as far as they touch it when loaded.

class Memory {
  private map = new Map<string, string>();
  getItem = (k: string): string | null => this.map.get(k) ?? null;
  setItem = (k: string, v: string): void => void this.map.set(k, v);
  removeItem = (k: string): void => void this.map.delete(k);
}

const deaf = () => {};

Object.assign(globalThis, {
  localStorage: new Memory(), sessionStorage: new Memory(), addEventListener: deaf, location: new URL("http://localhost/explorer/"),
  document: { addEventListener: deaf, documentElement: {} },
});
if (!("navigator" in globalThis)) Object.assign(globalThis, { navigator: { language: "en" } });
