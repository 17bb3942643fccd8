// Numbers: from base64 to arrays, to text, and to colours.

function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** A number as Python's figures write it; without `plain`, one that rounds to nothing becomes 1.2e-05. */
function formatted(value, digits, minus, plain = false) {
  if (Number.isNaN(value)) return "NaN";
  const size = Math.abs(value);
  if (size === Infinity) return value > 0 ? "∞" : `${minus}∞`;
  const ordinary = plain || size === 0 || (size >= 0.5 * 10 ** -digits && size < 1e5);
  const text = ordinary ? value.toFixed(digits) : value.toExponential(1).replace(/e([+-])(\d)$/, "e$10$2");
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", minus);
}

/** Stops [share, "#rrggbb"] → 256 colours [r, g, b]. */
function colourTable(stops) {
  const parsed = stops.map(([share, hex]) => [share, [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))]);
  return Array.from({ length: 256 }, (_, index) => {
    const share = index / 255;
    const above = Math.max(1, parsed.findIndex(([stop]) => stop >= share));
    const [[from, low], [to, high]] = [parsed[above - 1], parsed[above]];
    const part = (share - from) / (to - from);
    return low.map((channel, c) => Math.round(channel + part * (high[c] - channel)));
  });
}

function gradient(stops) {
  return `linear-gradient(to right, ${stops.map(([share, hex]) => `${hex} ${100 * share}%`).join(", ")})`;
}

function isDark([r, g, b]) {
  const light = [r, g, b]
    .map((channel) => channel / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  return (light + 0.05) ** 2 < 1.05 * 0.06;
}

/** A block of the payload with its array, and its picture at one pixel a number. */
class Matrix {
  constructor(name, sent, tables, { transposed }) {
    Object.assign(this, sent, { name, transposed });
    this.values = decoded(sent.values);
    [this.rows, this.columns] = transposed ? [sent.shape[1], sent.shape[0]] : sent.shape;
    this.stride = sent.shape[1];
    this.table = tables[sent.scale];
    this.image = this.#painted();
  }

  /** The number in a cell as it is drawn. */
  at(row, column) {
    return this.values[this.transposed ? column * this.stride + row : row * this.stride + column];
  }

  /** A token's vector, or a row. */
  vector(index) {
    return this.values.subarray(index * this.stride, (index + 1) * this.stride);
  }

  colour(value) {
    const low = this.scale === "weight" ? 0 : -this.limit;
    const share = (value - low) / (this.limit - low);
    return this.table[Math.round(255 * Math.min(1, Math.max(0, share)))];
  }

  #painted() {
    const canvas = document.createElement("canvas");
    canvas.width = this.columns;
    canvas.height = this.rows;
    const context = canvas.getContext("2d");
    const image = context.createImageData(this.columns, this.rows);
    for (let row = 0, at = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++, at += 4) {
        image.data.set(this.colour(this.at(row, column)), at);
        image.data[at + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }
}
