import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { dark } from "../lib/theme";
import { useWidth } from "./width";

export interface Series {
  label: string;
  values: (number | null)[];
  kind: "bars" | "line" | "points";
  color?: "accent" | "ok" | "warn";
}

/** Chart draws series over one axis of numbers, in the colours of the theme. */
export function Chart({ x, series, height = 150, format, formatX, label }: { x: number[]; series: Series[]; height?: number; format: (v: number) => string; formatX: (v: number) => string; label: string }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const plot = useRef<uPlot>(undefined);
  const theme = dark.value;
  useLayoutEffect(() => {
    if (!ref.current || width === 0) return;
    const style = getComputedStyle(document.documentElement), color = (name: string) => style.getPropertyValue("--" + name).trim();
    const axis: uPlot.Axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", gap: 4 };
    const made = new uPlot(
      {
        width, height, legend: { show: false }, padding: [8, 6, 0, 0],
        cursor: { y: false, points: { size: 6 } }, scales: { x: { time: false }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.12 : 1] } },
        axes: [
          { ...axis, grid: { show: false }, size: 22, space: 90, values: (_, list) => list.map(formatX) },
          { ...axis, size: 50, space: 34, values: (_, list) => list.map((v) => (v === null ? "" : format(v))) },
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
  return <div ref={ref} class="chart" role="img" aria-label={label} style={{ height: height + "px" }} />;
}
