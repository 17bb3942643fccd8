// A figure, drawn by Plotly: once for each change of it, and not before its turn.

const LEAST_WIDTH = 150;
const READABLE_CELL = 19; // pixels of a cell with a number in it
const CLICKABLE = new Set(["scatter", "bar"]); // what lies above maps to be clicked on, and bars
const kept = new WeakMap(); // the chart of each element
const failed = new Set(); // charts that Plotly did not come for
let loading = null;

function plotly(address) {
  loading ??= new Promise((loaded, refused) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => loaded(window.Plotly);
    script.onerror = () => {
      loading = null; // the next chart asks again
      script.remove();
      refused(new Error(`${address} did not come`));
    };
    document.head.append(script);
  });
  return loading;
}

function within(parent, className) {
  return parent.appendChild(Object.assign(document.createElement("div"), { className }));
}

class Chart {
  constructor(parent) {
    this.frame = within(parent, "chart-frame");
    this.crop = within(this.frame, "chart-crop");
    this.place = within(this.crop, "chart");
    this.place.setAttribute("role", "figure");
    this.graph = within(this.place, "");
    this.drawn = {}; // what is on the screen: text and theme
    this.sizes = new ResizeObserver(() => this.lay());
    this.sizes.observe(this.place);
  }

  // text: the figure with all that belongs to it, as it was sent; tell: hears of clicks.
  show(text, tell) {
    this.tell = tell;
    if (text !== this.text) this.take(JSON.parse(text));
    this.text = text;
    this.theme = JSON.stringify(themeOf(this.place));
    this.lay();
  }

  // Room, words and behaviour are there at once; the drawing has to wait for its turn.
  take(sent) {
    this.sent = sent;
    for (const trace of sent.figure.data) if ("source" in trace) trace.source = sent.photos[trace.source];
    const { alt, height, widths, squares } = sent;
    this.place.setAttribute("aria-label", alt);
    if (sent.name) this.frame.dataset.figure = sent.name; // by which presenter mode finds it
    this.place.classList.toggle("clickable", sent.clickable);
    this.frame.style.setProperty("--figure-height", `${height}px`);
    [this.place.style.minWidth, this.place.style.maxWidth] = widths ? widths.map((width) => `${width}px`) : ["", ""];
    this.crop.classList.toggle("squares", Boolean(squares));
    if (!squares) return;
    this.crop.style.setProperty("--shape", squares.rows / squares.columns);
    for (const name of ["sides", "ends"]) this.crop.style.setProperty(`--${name}`, `${squares[name]}px`);
  }

  close() {
    this.sizes.disconnect();
    dequeue(this);
    failed.delete(this);
    if (this.plotly) this.plotly.purge(this.graph);
    this.frame.remove();
  }

  get width() {
    return Math.max(this.place.clientWidth, LEAST_WIDTH);
  }

  // Asks for a turn where the screen does not show what it should; what is hidden is drawn once it is seen.
  lay() {
    if (!this.sent || !this.place.clientWidth) return;
    const { squares, plain, figure, height } = this.sent;
    if (plain) {
      const zoom = Math.min(1, this.place.clientWidth / figure.layout.width); // all of it, as small as it then is
      this.graph.style.zoom = zoom;
      this.frame.style.setProperty("--figure-height", `${zoom * height}px`);
    }
    const least = squares && squares.sides + READABLE_CELL * squares.columns;
    this.crop.classList.toggle("crowded", Boolean(squares) && this.frame.clientWidth <= least);
    if (["text", "theme", "width"].some((name) => this[name] !== this.drawn[name])) enqueue(this);
    else dequeue(this);
  }

  async draw() {
    const { text, theme, width, sent } = this;
    const resized = text === this.drawn.text && theme === this.drawn.theme;
    this.drawn = { text, theme, width };
    if (resized) {
      if (!sent.plain) this.plotly.relayout(this.graph, { width });
      return;
    }
    this.failure?.remove();
    try {
      this.plotly ??= await plotly(sent.address);
    } catch (error) {
      this.drawn = {};
      this.failure = within(this.place, "failed");
      this.failure.textContent = sent.failed;
      failed.add(this);
      throw error;
    }
    failed.delete(this);
    failed.forEach((chart) => chart.lay());
    if (!this.graph.isConnected) return; // closed meanwhile
    // Plotly keeps and changes what it is given, and a change of the theme alone draws the same figure again.
    const { data, layout, frames } = structuredClone(sent.figure);
    if (!sent.plain) {
      layout.template = merged(layout.template, { layout: JSON.parse(theme) });
      layout.width = width;
      if (layout.title?.text) layout.title.text = `<b>${layout.title.text}</b>`;
    }
    await this.plotly.react(this.graph, { data, layout, frames, config: sent.config });
    if (!this.listening) this.graph.on("plotly_click", ({ points }) => this.clicked(points));
    this.listening = true;
  }

  clicked(points) {
    const point = this.sent.clickable && points.find(({ data }) => CLICKABLE.has(data.type));
    if (point) this.tell("clicked", { customdata: point.customdata, point_index: point.pointNumber });
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const chart = kept.get(parentElement) ?? new Chart(parentElement);
  kept.set(parentElement, chart);
  chart.show(new TextDecoder().decode(data), setTriggerValue);
  const { turn } = Object.assign(chart, { turn: (chart.turn ?? 0) + 1 });
  // Called for a turn that another has already followed, too.
  return () => {
    if (chart.turn !== turn) return;
    kept.delete(parentElement);
    chart.close();
  };
}
