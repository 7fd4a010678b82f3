// The islands of the site. Each works on what the server rendered; without this file every page still reads.

/** Loads uPlot once, when the first chart comes into view. */
let engine;
const uplot = () => engine ??= new Promise((resolve, reject) => {
  const script = document.createElement("script");
  script.src = document.querySelector('meta[name="uplot"]').content;
  script.onload = () => resolve(window.uPlot);
  script.onerror = () => { engine = undefined; reject(new Error("the chart library did not load")); };
  document.head.append(script);
});

const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 2]];
const SERIES_COLOURS = 6;
const HEIGHT = 220;
/** Live updates of one chart are at least this many milliseconds apart. */
const REFRESH_PAUSE = 1000;

const number = (text) => text === undefined ? null : Number(text);
const shown = (value) => value == null ? "–" : Math.abs(value) < 10 ? value.toFixed(4) : value.toLocaleString("en", { maximumFractionDigits: 1 });

const iso = (seconds) => new Date(seconds * 1000).toISOString();
const DAY = 86400;
/** A tick of a time axis in UTC: the month, the day or the minute, by the distance of the ticks. */
const tick = (seconds, apart) => apart >= 28 * DAY ? iso(seconds).slice(0, 7) : apart >= DAY ? iso(seconds).slice(5, 10) : iso(seconds).slice(11, 16);

/** Reads the values from the table of the same figure: the same shape as the JSON of the API. */
function valuesOf(table, time, named) {
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const column = (at, key) => rows.map((row) => number(row.cells[at].dataset[key]));
  const x = column(0, "v");
  return {
    x, x_time: time, labels: named ? rows.map((row) => row.cells[0].textContent) : [], x_label: heads[0].textContent,
    series: heads.slice(1).map((head, at) => ({ name: head.textContent, values: column(at + 1, "v"), low: column(at + 1, "l"), high: column(at + 1, "h") })),
  };
}

/** The range of all values and intervals, with some air. */
function range(series) {
  const all = series.flatMap((one) => [...one.values, ...one.low, ...one.high]).filter(Number.isFinite);
  if (!all.length) return [0, 1];
  const low = Math.min(...all), high = Math.max(...all);
  const air = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - (low >= 0 && low < air ? low : air), high + air];
}

/** `<x-chart src refresh>`: draws the table beside it, and fetches `src` again at the server-sent event `refresh`. */
class Chart extends HTMLElement {
  connectedCallback() {
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.data = null;
    this.seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.seen.disconnect();
      this.start();
    });
    this.seen.observe(this);
    this.resized = new ResizeObserver(() => this.plot?.setSize({ width: this.clientWidth, height: HEIGHT }));
    this.resized.observe(this);
    document.addEventListener("themechange", () => this.draw(), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(), { signal });
    const event = this.getAttribute("refresh");
    if (event) document.addEventListener("htmx:sseMessage", (message) => message.detail.type === event && this.refresh(), { signal });
  }

  disconnectedCallback() {
    this.abort.abort();
    this.seen.disconnect();
    this.resized.disconnect();
    clearTimeout(this.timer);
    this.plot?.destroy();
    this.plot = undefined;
  }

  async start() {
    const table = this.parentElement.querySelector("table");
    if (table) this.data = valuesOf(table, this.hasAttribute("data-time"), this.hasAttribute("data-named"));
    await this.draw();
    if (this.hasAttribute("data-sampled")) this.fetch();
  }

  refresh() {
    if (this.timer || !this.data) return;
    this.timer = setTimeout(() => { this.timer = undefined; this.fetch(); }, REFRESH_PAUSE);
  }

  async fetch() {
    const src = this.getAttribute("src");
    if (!src) return;
    try {
      const answer = await fetch(src, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      this.data = await answer.json();
      await this.draw();
    } catch { /* the values on the page stay; the next event tries again */ }
  }

  /** A colour of the style sheet as the canvas needs it: resolved for the theme. */
  colour(name) {
    this.style.color = `var(--${name})`;
    const found = getComputedStyle(this).color;
    this.style.color = "";
    return found;
  }

  async draw() {
    const data = this.data;
    if (!data) return;
    const positions = data.labels.length || data.x.length;
    if (!positions) return;
    const Plot = await uplot();
    if (!this.isConnected || data !== this.data) return;
    const named = data.labels.length > 0;
    const x = named ? data.labels.map((_, at) => at) : data.x_time ? data.x.map((at) => at / 1000) : data.x;
    const [muted, grid] = [this.colour("muted"), this.colour("line")];
    const series = data.series.map((one) => ({ ...one, low: one.low ?? [], high: one.high ?? [] }));
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: muted, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 } };
    const lines = series.map((one, at) => {
      const stroke = this.colour(`s${at % SERIES_COLOURS}`);
      return { label: one.name, stroke, width: at ? 1.6 : 2.2, dash: DASHES[at % DASHES.length], spanGaps: false, value: (_, value) => shown(value),
        points: { show: positions <= 40, size: 6, fill: stroke } };
    });
    const limits = range(series);
    const options = {
      width: this.clientWidth, height: HEIGHT, padding: [12, 28, 0, 0], tzDate: (at) => Plot.tzDate(new Date(at * 1000), "UTC"),
      scales: { x: { time: data.x_time, range: positions === 1 ? [x[0] - 1, x[0] + 1] : undefined }, y: { range: () => limits } },
      cursor: { points: { size: 7 }, focus: { prox: 24 } }, focus: { alpha: 0.25 },
      series: [{ label: data.x_label, ...(named ? { value: (_, at) => data.labels[at] ?? "–" } : { value: (_, at) => at == null ? "–" : data.x_time ? iso(at).slice(0, 16).replace("T", " ") : at }) }, ...lines],
      axes: [
        { ...axis, ...(named ? { values: (_, splits) => splits.map((at) => data.labels[at] ?? ""), incrs: [1, 2, 3, 6, 12, 24, 60] }
          : data.x_time ? { values: (_, splits, _axis, _space, apart) => splits.map((at) => tick(at, apart)) } : {}) },
        { ...axis, size: 56, values: (_, splits) => splits.map((at) => Number(at.toPrecision(6)).toLocaleString("en")) },
      ],
      hooks: { drawAxes: [(plot) => series.forEach((one, at) => this.band(plot, x, one, lines[at].stroke))] },
    };
    this.plot?.destroy();
    this.plot = new Plot(options, [x, ...series.map((one) => one.values)], this);
  }

  /** The confidence interval of a curve as a pale area behind it. */
  band(plot, x, one, colour) {
    const known = x.map((_, at) => at).filter((at) => one.low[at] != null && one.high[at] != null);
    if (known.length < 2) return;
    const { ctx } = plot;
    const point = (at, value) => [plot.valToPos(x[at], "x", true), plot.valToPos(value, "y", true)];
    ctx.save();
    ctx.beginPath();
    known.forEach((at) => ctx.lineTo(...point(at, one.high[at])));
    known.toReversed().forEach((at) => ctx.lineTo(...point(at, one.low[at])));
    ctx.closePath();
    ctx.globalAlpha = 0.13;
    ctx.fillStyle = colour;
    ctx.fill();
    ctx.restore();
  }
}
customElements.define("x-chart", Chart);

// The word beside the overview's heading: whether the page is live.
const live = document.getElementById("live");
if (live) {
  const say = (word, on) => { live.hidden = false; live.classList.toggle("on", on); live.textContent = word; };
  document.addEventListener("htmx:sseOpen", () => say("live", true));
  document.addEventListener("htmx:sseError", () => say("reconnecting", false));
}
