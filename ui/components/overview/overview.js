// The component: its state (which pair, locked or not, which block is large), and what pointer and keys do to it.

const WITH_NEURONS = new Set(["raw", "scores", "weights", "head"]); // the steps that the neuron view takes apart
const STEPS = { ArrowUp: ["query", -1], ArrowDown: ["query", 1], ArrowLeft: ["key", -1], ArrowRight: ["key", 1] };
const NOTHING = "none"; // in the link
const SETTLED = 350; // ms without a further change before the server hears of it
const diagrams = new WeakMap(); // by the element that Streamlit gives: one diagram, however often the data change

export default function ({ data, parentElement, setTriggerValue }) {
  let diagram = diagrams.get(parentElement);
  if (!diagram) diagrams.set(parentElement, (diagram = new Diagram(parentElement)));
  diagram.tell = setTriggerValue;
  diagram.show(data);
  return () => {
    diagram.close();
    diagrams.delete(parentElement);
  };
}

class Diagram {
  constructor(parent) {
    this.root = element("div", "overview", parent);
    this.bar = element("div", "bar", this.root);
    this.legend = element("div", "legend", this.bar);
    const slot = element("span", "slot", this.bar); // of one size: nothing moves under the pointer that locks
    this.hint = element("span", "hint", slot);
    this.unlockButton = element("button", "unlock", slot, { type: "button", onclick: () => this.unlock() });
    this.sizeButton = element("button", "size", this.bar, {
      type: "button",
      onclick: () => this.expand(this.state.expanded ? null : "scores"),
    });
    this.readout = element("div", "readout", this.root);
    this.readout.setAttribute("role", "status");
    this.board = element("div", "board", this.root, { tabIndex: 0 });
    this.board.setAttribute("role", "application");
    this.canvas = element("canvas", "picture", this.board);
    this.overlay = element("canvas", "overlay", this.board);
    this.texts = new Texts(this.board, (name) => this.expand(name));
    this.neurons = new Neurons(this.root, (index) =>
      this.#follow({ element: { name: "query", row: this.state.query, column: index, index } }),
    );
    this.state = { query: 0, key: 0, locked: false, expanded: null, element: null };
    this.#listen();
  }

  /** New numbers: keeps what is followed, locked and enlarged where the sentence is still the same. */
  show(data) {
    const { lock, block, turn, ...numbers } = data;
    const theme = getComputedStyle(this.root);
    const look = [theme.color, theme.fontFamily, theme.getPropertyValue("--st-background-color")];
    const sent = JSON.stringify([numbers, look]);
    this.turn ??= turn;
    // A run that has not heard of the last turn yet says what was before it.
    const news = turn >= this.turn && JSON.stringify({ lock, block }) !== this.told;
    // Where the server only repeats what it was told, nothing may move under the pointer.
    if (sent === this.sent && !news) return;
    this.sent = sent;
    const same = this.view?.tokens.join("\n") === data.tokens.join("\n") && this.view.query === data.query;
    const tables = Object.fromEntries(Object.entries(data.scales).map(([name, stops]) => [name, colourTable(stops)]));
    const matrices = Object.fromEntries(
      Object.entries(data.blocks).map(([name, sent]) => [
        name,
        new Matrix(name, sent, tables, { transposed: name === "key" }),
      ]),
    );
    this.view = { ...data, matrices, font: theme.fontFamily, width: 0 };
    for (const name of ["mask", "trained"]) this.view[name] = data[name] && decoded(data[name]);
    if (!same) Object.assign(this.state, { query: data.query, key: this.strongest(data.query), locked: false });
    if (news) this.#hold({ lock, block });
    this.state.element = null;
    this.#write();
    this.#layOut();
  }

  /** What is locked and enlarged, as the link writes it. */
  get held() {
    const { query, key, locked, expanded } = this.state;
    return { lock: locked ? `${query}-${key}` : NOTHING, block: expanded ?? NOTHING };
  }

  /** Does what the link says. */
  #hold({ lock, block }) {
    this.told = JSON.stringify({ lock, block });
    const [query, key] = lock === NOTHING ? [this.state.query, this.state.key] : lock.split("-").map(Number);
    Object.assign(this.state, { query, key, locked: lock !== NOTHING, expanded: block === NOTHING ? null : block });
  }

  /** Nobody waits for the server: it only hears, once hands are still, what the link should say. */
  #report() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      const now = JSON.stringify(this.held);
      if (now === this.told) return;
      this.told = now;
      this.turn += 1;
      this.tell?.("held", { ...this.held, turn: this.turn });
    }, SETTLED);
  }

  close() {
    clearTimeout(this.telling);
    this.observer.disconnect();
    this.root.remove();
  }

  /** The key that a query gives most weight to. */
  strongest(query) {
    const row = this.view.matrices.weights.vector(query);
    return row.indexOf(Math.max(...row));
  }

  // ------------------------------------------------------------------ what people do

  #listen() {
    this.observer = new ResizeObserver(() => this.view && this.root.clientWidth !== this.view.width && this.#layOut());
    this.observer.observe(this.root);
    this.board.addEventListener("pointermove", (event) => !this.state.locked && this.#point(event));
    this.board.addEventListener("click", (event) => this.#click(event));
    this.board.addEventListener("keydown", (event) => this.#press(event));
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.state.locked && this.unlock());
  }

  /** Follows what lies under the pointer; false where there is nothing. */
  #point(event) {
    const { left, top } = this.board.getBoundingClientRect();
    const { layout, matrices, labelWidth } = this.view;
    const place = underneath(event.clientX - left, event.clientY - top, layout, matrices, labelWidth);
    if (!place) return false;
    const { query = this.state.query, key, element: index } = meaning(place);
    const kept = query === this.state.query ? this.state.key : this.strongest(query);
    this.#follow({ query, key: key ?? kept, element: index === undefined ? null : { ...place, index } });
    return true;
  }

  #click(event) {
    if (event.target.closest("button")) return;
    const { query, key, locked } = this.state;
    if (!this.#point(event)) return;
    this.#lock(!(locked && query === this.state.query && key === this.state.key));
  }

  #press(event) {
    if (event.target !== this.board) return;
    if (event.key in STEPS) {
      const [part, step] = STEPS[event.key];
      const last = this.view.tokens.length - 1;
      this.#follow({ [part]: Math.min(last, Math.max(0, this.state[part] + step)), element: null });
    } else if (event.key === "Enter" || event.key === " ") this.#lock(!this.state.locked);
    else return;
    event.preventDefault();
  }

  #follow(change) {
    Object.assign(this.state, change);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.#highlight();
    });
  }

  #lock(locked) {
    this.state.locked = locked;
    this.#highlight();
    this.#report();
  }

  unlock() {
    this.#lock(false);
    this.board.focus({ preventScroll: true });
  }

  /** Enlarges a block; the same once more, or null, makes all alike again. */
  expand(name) {
    this.state.expanded = this.state.expanded === name ? null : name;
    this.#layOut();
    this.#report();
  }

  // ------------------------------------------------------------------ what is seen

  #write() {
    const { words, scales } = this.view;
    this.board.setAttribute("aria-label", words.label);
    this.hint.textContent = words.hint;
    this.unlockButton.textContent = `${words.locked} · ${words.unlock}`;
    this.legend.replaceChildren();
    for (const [from, scale, to] of [
      [words.negative, "signed", words.positive],
      [`${words.weights} 0`, "weight", "1"],
    ]) {
      const item = element("span", "scale", this.legend);
      item.append(from, element("i", "", null, { style: `background: ${gradient(scales[scale])}` }), to);
    }
    this.texts.write(this.view);
    this.neurons.write(this.view);
  }

  #layOut() {
    const { view, state } = this;
    const width = this.root.clientWidth;
    if (!width) return; // not on the screen yet: the observer calls again
    const measure = this.canvas.getContext("2d");
    measure.font = `12px ${view.font}`;
    const labelWidths = view.tokens.map((token) => measure.measureText(token).width);
    const widest = Math.ceil(Math.max(...labelWidths));
    const labelWidth = Math.min(width < NARROW ? 52 : 76, widest + 12);
    Object.assign(view, { width, labelWidth, labelWidths });
    const lanes = columns(width, labelWidth, state.expanded);
    this.texts.size(lanes, state.expanded);
    const labelHeight = Math.min(66, Math.max(16, widest + 8));
    const captionHeight = (lane, place) => this.texts.height(lane, place);
    view.layout = { lanes, ...placed(lanes, view.tokens.length, state.expanded, labelHeight, captionHeight) };
    this.board.style.height = `${view.layout.height}px`;
    this.texts.place();
    drawPicture(sized(this.canvas, width, view.layout.height), view);
    this.over = sized(this.overlay, width, view.layout.height);
    this.neurons.size(WITH_NEURONS.has(state.expanded));
    this.sizeButton.textContent = state.expanded ? view.words.whole : view.words["neuron.open"];
    this.root.dataset.expanded = state.expanded ?? "";
    this.#highlight();
  }

  #highlight() {
    const { view, state } = this;
    drawOverlay(this.over, view, state);
    for (const name of ["query", "key", "locked"]) this.root.dataset[name] = state[name];
    this.hint.hidden = state.locked;
    this.unlockButton.hidden = !state.locked;
    this.texts.highlight(state);
    this.neurons.highlight(state);
    this.#read();
  }

  #read() {
    const { matrices, tokens, words, divisor, temperature, mask, hidden, minus, blocks, trained } = this.view;
    const { query, key, element: place } = this.state;
    const cell = query * tokens.length + key;
    const write = (value) => formatted(value, 3, minus);
    const number = (name) => write(matrices[name].at(query, key));
    const token = (index) => `${tokens[index]} (${index + 1})${hidden.includes(index) ? ` ${words.hidden}` : ""}`;
    this.readout.replaceChildren();
    const say = (text, field = "", kind = field ? "b" : "span") => {
      const part = element(kind, field, this.readout, { textContent: text });
      if (field) part.dataset.field = field;
    };
    say(words.query);
    say(token(query), "query");
    say(`→ ${words.key}`);
    say(token(key), "key");
    say("q·k =");
    say(number("raw"), "raw");
    say(divisor ? `÷ ${divisor} → α =` : "→ α =");
    say(number("scores"), "scores");
    if (mask && !mask[cell]) say(`✕ ${words.blocked}`, "blocked", "span");
    say(temperature ? `→ softmax(α / ${temperature}) =` : "→ softmax =");
    say(number("weights"), "weights");
    if (trained) say(`(${words.trained} ${write(trained[cell])})`, "trained", "span");
    if (!place) return;
    say(`· ${blocks[place.name].symbol}[${place.index + 1}] =`);
    say(write(matrices[place.name].at(place.row, place.column)), "element");
  }
}
