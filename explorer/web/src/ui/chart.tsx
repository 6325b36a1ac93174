import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { t } from "../i18n";
import { dark } from "../lib/theme";
import { useWidth } from "./width";

export interface Series {
  label: string;
  values: (number | null)[];
  kind: "bars" | "line" | "points";
  color?: "accent" | "ok" | "warn";
}

/** Chart draws series over one axis of numbers, in the colours of the theme. told says in words what it shows; without it the ends and bounds of the first series do. */
export function Chart({ x, series, height = 150, format, formatX, label, told }: { x: number[]; series: Series[]; height?: number; format: (v: number) => string; formatX: (v: number) => string; label: string; told?: string }) {
  const write = useRef({ format, formatX });
  write.current = { format, formatX }; // the plot outlives a change of language or time zone
  const [ref, width] = useWidth<HTMLDivElement>();
  const plot = useRef<uPlot>(undefined);
  const theme = dark.value;
  useLayoutEffect(() => {
    if (!ref.current || width === 0) return;
    const style = getComputedStyle(document.documentElement), color = (name: string) => style.getPropertyValue("--" + name).trim();
    const axis: uPlot.Axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", gap: 4 };
    const made = new uPlot(
      {
        width, height, legend: { show: false }, padding: [8, 26, 0, 0],
        cursor: { y: false, points: { size: 6 } }, scales: { x: { time: false }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.12 : 1] } },
        axes: [
          { ...axis, grid: { show: false }, size: 22, space: 90, values: (_, list) => list.map((v) => write.current.formatX(v)) },
          { ...axis, size: 50, space: 34, values: (_, list) => list.map((v) => (v === null ? "" : write.current.format(v))) },
        ],
        series: [
          {},
          ...series.map((s): uPlot.Series => {
            const stroke = color(s.color ?? "accent");
            if (s.kind === "bars") return { label: s.label, stroke, fill: stroke, width: 0, paths: uPlot.paths.bars!({ size: [0.72, 18] }), points: { show: false } };
            if (s.kind === "points") return { label: s.label, stroke, paths: () => null, points: { show: true, size: 5, fill: stroke, width: 0 } };
            return { label: s.label, stroke, width: 1.6, points: { show: false }, spanGaps: true };
          }),
        ],
      },
      [x, ...series.map((s) => s.values)] as uPlot.AlignedData,
      ref.current,
    );
    plot.current = made;
    return () => made.destroy();
  }, [width, height, theme, series.length]);
  useEffect(() => plot.current?.setData([x, ...series.map((s) => s.values)] as uPlot.AlignedData));
  return <div ref={ref} class="chart" role="img" aria-label={`${label}. ${told ?? inWords(x, series[0]?.values ?? [], format, formatX)}`} style={{ height: height + "px" }} />;
}

/** inWords is what a chart shows, for who cannot see it. */
function inWords(x: number[], values: (number | null)[], format: (v: number) => string, formatX: (v: number) => string): string {
  const known = values.filter((v) => v !== null);
  if (known.length === 0) return "";
  return t("chart.told", { from: formatX(x[0]!), to: formatX(x[x.length - 1]!), low: format(Math.min(...known)), high: format(Math.max(...known)), last: format(known[known.length - 1]!) });
}
