// Draws each .plot from the JSON beside it, in the page's colours, and again when the theme or the width changes.
"use strict";
{
  const HEIGHT = 210;
  const DAY = 86400;
  const lines = 7; // colours in kpi.css
  const plots = new Map();

  const colour = name => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };

  const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
  const long = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
  const write = {
    count: (value, format) => format.format(value),
    points: (value, format) => format.format(value),
    share: (value, format) => `${format.format(value * 100)} %`,
    ms: (value, format) => `${format.format(value)} ms`,
  };

  const isByDay = times => times.every(at => at % DAY === 0);
  const label = (at, byDay) => new Date(at * 1000).toISOString().slice(0, byDay ? 10 : 16).replace("T", " ");

  const tick = at => new Date(at * 1000).toISOString().slice(...(at % DAY ? [11, 16] : [5, 10]));

  // A vertical line with its word where something happened.
  const drawMarks = marks => plot => {
    const context = plot.ctx;
    context.save();
    context.strokeStyle = context.fillStyle = colour("--body-quiet-color");
    context.font = `${11 * devicePixelRatio}px sans-serif`;
    context.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const { at, word } of marks) {
      const right = plot.bbox.left + plot.bbox.width;
      // What came within the last step lies beyond its beginning, where the axis ends.
      const x = Math.min(plot.valToPos(at, "x", true), right);
      if (x < plot.bbox.left) continue;
      context.textAlign = x > right - 40 * devicePixelRatio ? "right" : "left";
      context.beginPath();
      context.moveTo(x, plot.bbox.top);
      context.lineTo(x, plot.bbox.top + plot.bbox.height);
      context.stroke();
      context.fillText(word, x + (context.textAlign === "left" ? 4 : -4) * devicePixelRatio, plot.bbox.top + 12 * devicePixelRatio);
    }
    context.restore();
  };

  // From 0 for what is counted; shares near 1 would be flat lines there.
  const range = unit => (_plot, low, high) => {
    if (low === null) return [0, 1];
    if (unit === "share" && low > 0.5) return [Math.max(0, low - (1 - low) * 0.2 - 0.01), 1];
    return [Math.min(0, low), (high || 1) * 1.08];
  };

  const options = (data, width) => {
    const grid = { stroke: colour("--hairline-color"), width: 1 };
    const stroke = colour("--body-quiet-color");
    const byDay = isByDay(data.times);
    return {
      width,
      height: HEIGHT,
      tzDate: at => uPlot.tzDate(new Date(at * 1000), "UTC"),
      cursor: { sync: { key: "charts" }, drag: { x: true, y: false } },
      scales: { y: { range: range(data.unit) } },
      axes: [
        { stroke, grid, ticks: grid, space: 60, values: (_plot, ticks) => ticks.map(at => tick(at)) },
        { stroke, grid, ticks: grid, size: 72, values: (_plot, ticks) => ticks.map(value => write[data.unit](value, short)) },
      ],
      series: [
        { label: "When (UTC)", value: (_plot, at) => (at === null ? "–" : label(at, byDay)) },
        ...data.lines.map((line, n) => ({
          label: line.name,
          stroke: colour(`--line-${(n % lines) + 1}`),
          width: 2,
          dash: n < lines ? undefined : [6, 4],
          points: { show: data.times.length <= 40, size: 5 },
          value: (_plot, value) => (value === null ? "–" : write[data.unit](value, long)),
        })),
      ],
      hooks: { draw: [drawMarks(data.marks)] },
    };
  };

  // For a single day alone uPlot would draw an axis of years.
  const withNeighbours = ([times, ...lines]) =>
    times.length === 1 ? [[times[0] - DAY, times[0], times[0] + DAY], ...lines.map(([value]) => [null, value, null])] : [times, ...lines];

  const draw = element => {
    plots.get(element)?.destroy();
    const data = JSON.parse(document.getElementById(element.dataset.chart).textContent);
    const columns = [data.times, ...data.lines.map(line => line.values)];
    plots.set(element, new uPlot(options(data, element.clientWidth), withNeighbours(columns), element));
  };

  const all = document.querySelectorAll("[data-chart]");
  const drawAll = () => all.forEach(draw);
  drawAll();
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  const widths = new ResizeObserver(entries => {
    for (const { target } of entries) plots.get(target)?.setSize({ width: target.clientWidth, height: HEIGHT });
  });
  all.forEach(element => widths.observe(element));
}
