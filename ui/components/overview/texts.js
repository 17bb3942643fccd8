// What is written around the matrices: captions, the tokens of rows and columns, this head's place among all.

const UPPER = COLUMNS.flatMap(({ above }) => above ?? []);

function element(kind, className, parent, properties = {}) {
  const made = Object.assign(document.createElement(kind), { className, ...properties });
  parent?.append(made);
  return made;
}

/** "W^q a" with the q raised; a tilde of its own, since few fonts put one well on an α. */
function writeFormula(target, text) {
  target.replaceChildren();
  for (const [part, raised, under] of text.matchAll(/\^([^\s\]]+)|(.)\u0303|[^^α]+|α/gu)) {
    if (raised) element("sup", "", target, { textContent: raised });
    else if (under) element("span", "tilde", target, { textContent: under });
    else target.append(part);
  }
}

/** Marks the chosen label and leaves out those that there is no room for; what remains. */
function chooseLabels(labels, chosen, spacing) {
  const step = labelStep(spacing);
  return [...labels.entries()].filter(([i, label]) => {
    const near = i !== chosen && Math.abs(i - chosen) * spacing < SMALLEST_LABEL;
    const shown = i === chosen || (i % step === 0 && !near);
    label.classList.toggle("chosen", i === chosen);
    label.classList.toggle("left-out", !shown);
    return shown;
  });
}

class Texts {
  constructor(parent, onName) {
    this.box = element("div", "texts", parent);
    this.onName = onName; // a click on a block's name
  }

  write(view) {
    const { tokens, blocks, words, head } = view;
    this.view = view;
    this.box.replaceChildren();
    this.captions = Object.fromEntries(Object.entries(blocks).map(([name, sent]) => [name, this.#caption(name, sent)]));
    this.rows = [this.#tokens("row")]; // one copy a lane
    this.columns = this.#tokens("column");
    this.head = element("span", "head-label", this.box, { textContent: words.this_head.replace("{head}", head + 1) });
    this.latin = tokens.map((token) => !/^\p{Script=Han}+$/u.test(token));
  }

  #tokens(place) {
    return this.view.tokens.map((token) => element("span", `token ${place}`, this.box, { textContent: token }));
  }

  #caption(name, sent) {
    const { words, colours } = this.view;
    const title = words[`blocks.${name}`];
    const caption = element("div", "caption", this.box);
    caption.dataset.block = name;
    const button = element("button", "name", caption, { type: "button", onclick: () => this.onName(name), title });
    button.setAttribute("aria-label", words.expand.replace("{name}", title));
    button.style.setProperty("--hue", colours[sent.quantity]);
    element("span", "long", button, { textContent: title });
    writeFormula(element("span", "short", button), sent.symbol);
    writeFormula(element("div", "formula", caption), sent.formula);
    const shape = name === "key" ? `kᵀ: ${[...sent.shape].reverse().join(" × ")}` : sent.shape.join(" × ");
    element("div", "shape", caption, { textContent: shape });
    element("div", "range", caption, { textContent: sent.range });
    element("div", "colours", caption, { textContent: `${words.colours} ${sent.colours}` });
    return caption;
  }

  /** Gives each caption its width, so that its height can be measured. */
  size(lanes, expanded) {
    for (const column of lanes.flat()) {
      for (const name of Object.values(COLUMNS[column.index])) {
        const caption = this.captions[name];
        const beside = UPPER.includes(name);
        caption.classList.toggle("thumb", column.thumb);
        caption.classList.toggle("beside", beside);
        const right = Math.min(150, this.view.width - column.x - column.w - 8);
        caption.style.width = `${beside ? right : column.w + (column.thumb ? 10 : 16)}px`;
        caption.querySelector("button").setAttribute("aria-expanded", expanded === name);
      }
    }
  }

  /** The tallest caption in a lane: of the blocks "below" or "above". */
  height(lane, place) {
    return Math.max(0, ...lane.map(({ index }) => this.captions[COLUMNS[index][place]]?.offsetHeight ?? 0));
  }

  place() {
    const { rects, bands } = this.view.layout;
    for (const [name, caption] of Object.entries(this.captions)) {
      const { x, y, w, h } = rects[name];
      const beside = UPPER.includes(name);
      const thumb = caption.classList.contains("thumb");
      caption.style.left = `${beside ? x + w + 8 : x - (thumb ? 5 : 8)}px`;
      caption.style.top = `${beside ? y : y + h + 6}px`;
    }
    const part = headPart(this.view);
    this.head.style.left = `${part.x + part.w / 2}px`;
    this.head.style.top = `${part.y - 16}px`;
    while (this.rows.length < bands.length) {
      const copies = this.#tokens("row");
      for (const copy of copies) copy.setAttribute("aria-hidden", "true");
      this.rows.push(copies);
    }
    while (this.rows.length > bands.length) this.rows.pop().forEach((copy) => copy.remove());
    for (const [index, labels] of this.rows.entries()) this.#placeRow(labels, bands[index]);
  }

  #placeRow(labels, { rowTop, row }) {
    const size = Math.min(12, Math.max(10, row * labelStep(row) - 1));
    const width = this.view.labelWidth - 2;
    for (const [i, label] of labels.entries()) {
      label.style.cssText = `top: ${rowTop + (i + 0.5) * row}px; width: ${width}px; font-size: ${size}px`;
    }
  }

  /** The tokens of the columns, above k or an enlarged matrix, are shaded by the weight that the query gives. */
  highlight({ query, key, expanded }) {
    const { layout, matrices, tokens, colours, labelWidths } = this.view;
    for (const [index, labels] of this.rows.entries()) chooseLabels(labels, query, layout.bands[index].row);
    const over = TOKEN_GRID.has(expanded) && expanded !== "raw" ? expanded : "key";
    const { x, y, w } = layout.rects[over];
    const cell = w / tokens.length;
    for (const [j, label] of chooseLabels(this.columns, key, cell)) {
      label.classList.toggle("flat", labelWidths[j] <= cell);
      label.classList.toggle("upright", !this.latin[j]);
      label.style.left = `${x + (j + 0.5) * cell}px`;
      label.style.top = `${y - 3}px`;
      const share = Math.round(70 * matrices.weights.at(query, j));
      label.style.background = `color-mix(in srgb, ${colours.weight} ${share}%, var(--st-background-color, white))`;
    }
  }
}
