// Lists as files. What is exported is what is shown, exactly.

export type Row = Record<string, string | number | bigint | boolean | null | undefined>;

/** csv writes rows as RFC 4180 says. A cell that a spreadsheet would run is made text. */
export function csv(rows: Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cell = (v: Row[string]): string => {
    let text = v === null || v === undefined ? "" : String(v);
    if (typeof v === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map(cell), ...rows.map((r) => columns.map((c) => cell(r[c])))].map((l) => l.join(",")).join("\r\n") + "\r\n";
}

/** json writes rows, numbers beyond 2^53 as strings. */
export const json = (value: unknown): string => JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? v.toString() : v), 2) + "\n";

/** save hands a file to the user. */
export function save(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
