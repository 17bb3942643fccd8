// The neuron view: q, k and their products element by element, then v, weight × v and the sum over all keys.

const STRIP = 40; // pixels of height of one row of bars
const STRIPS = { query: "query", key: "key", product: "score", value: "value", term: "weight", sum: "output" };
const WITH_ELEMENTS = new Set(["query", "key", "value", "head"]); // blocks whose columns are elements of the strips

/** What the rows of bars show for one pair; products are those of the trace's own numbers, element by element. */
function strips({ matrices, gate }, { query, key }) {
  const weight = matrices.weights.at(query, key) * gate;
  const [q, k, v] = [matrices.query.vector(query), matrices.key.vector(key), matrices.value.vector(key)];
  const product = q.map((number, e) => number * k[e]);
  return {
    query: { values: q, limit: matrices.query.limit },
    key: { values: k, limit: matrices.key.limit },
    product: { values: product, limit: Math.max(...product.map(Math.abs)) || 1 },
    value: { values: v, limit: matrices.value.limit },
    term: { values: v.map((number) => number * weight), limit: matrices.value.limit },
    sum: { values: matrices.head.vector(query), limit: matrices.value.limit },
  };
}

function drawStrips(context, rows, colours, index, width) {
  context.clearRect(0, 0, width, STRIP * Object.keys(rows).length);
  for (const [row, [name, { values, limit }]] of Object.entries(rows).entries()) {
    const [top, step] = [row * STRIP, width / values.length];
    const [zero, half] = [top + STRIP / 2, STRIP / 2 - 3];
    context.fillStyle = colours.quiet;
    if (index !== null) {
      context.globalAlpha = 0.3;
      context.fillRect(index * step, top, step, STRIP);
      context.globalAlpha = 1;
    }
    context.fillRect(0, zero - 0.5, width, 1);
    context.fillStyle = colours[STRIPS[name]];
    const bar = step > 3 ? step - 1 : step;
    for (let e = 0; e < values.length; e++) context.fillRect(e * step, zero, bar, (-values[e] / limit) * half);
  }
}

class Neurons {
  constructor(parent, onElement) {
    this.box = element("section", "neurons", parent);
    this.box.addEventListener("pointermove", (event) => {
      if (event.target !== this.canvas) return;
      const { left, width } = this.canvas.getBoundingClientRect();
      const count = this.view.matrices.query.columns;
      onElement(Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * count))));
    });
  }

  write(view) {
    const { words, colours } = view;
    this.view = view;
    this.box.replaceChildren();
    element("h4", "", this.box, { textContent: words["neuron.title"] });
    const grid = element("div", "strips", this.box);
    const labels = element("div", "strip-labels", grid);
    this.bars = element("div", "strip-bars", grid);
    this.canvas = element("canvas", "", this.bars);
    const ranges = element("div", "strip-ranges", grid);
    this.rows = {};
    for (const [name, quantity] of Object.entries(STRIPS)) {
      const label = element("div", "strip-label", labels);
      label.style.setProperty("--hue", colours[quantity]);
      this.rows[name] = { symbol: element("b", "", label), range: element("div", "strip-range", ranges) };
      this.rows[name].range.dataset.strip = name;
      element("small", "", label, { textContent: words[`neuron.${name}`] });
    }
    this.index = element("p", "index", this.box);
    element("p", "see", this.box, { textContent: words["neuron.see"] });
  }

  size(shown) {
    this.box.hidden = !shown;
    if (!shown) return;
    this.width = this.bars.clientWidth;
    this.context = sized(this.canvas, this.width, STRIP * Object.keys(STRIPS).length);
  }

  highlight(state) {
    if (this.box.hidden) return;
    const { words, minus, matrices, tokens, gate, colours } = this.view;
    const { query, key, element: place } = state;
    const index = place && WITH_ELEMENTS.has(place.name) ? place.index : null;
    const rows = strips(this.view, state);
    drawStrips(this.context, rows, colours, index, this.width);
    const write = (value, digits = 3) => formatted(value, digits, minus);
    const symbols = {
      query: `q ${tokens[query]}`,
      key: `k ${tokens[key]}`,
      product: "q × k",
      value: `v ${tokens[key]}`,
      term: `${gate === 1 ? "" : `${gate} × `}${write(matrices.weights.at(query, key))} × v`,
      sum: `b ${tokens[query]}`,
    };
    for (const [name, { symbol, range }] of Object.entries(this.rows)) {
      symbol.textContent = symbols[name];
      range.textContent = index === null ? `±${write(rows[name].limit, 2)}` : write(rows[name].values[index]);
    }
    element("b", "", this.rows.product.range, { textContent: `Σ = ${write(matrices.raw.at(query, key))}` });
    this.index.textContent = index === null ? "" : words["neuron.element"].replace("{index}", index + 1);
  }
}
