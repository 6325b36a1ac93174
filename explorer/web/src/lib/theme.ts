import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const key = "quorate.theme";
const stored = localStorage.getItem(key);

/** theme is what the user wants; system follows the device. */
export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "system");

/** dark is what is shown. */
export const dark = signal(false);

const device = matchMedia("(prefers-color-scheme: dark)");

function apply(): void {
  dark.value = theme.value === "dark" || (theme.value === "system" && device.matches);
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
}

device.addEventListener("change", apply);
theme.subscribe((t) => {
  localStorage.setItem(key, t);
  apply();
});
