// A spatial mask over its photo, painted cell by cell with the pointer or the keyboard. Strokes are drawn here at once;
// the server hears of each when it is over, and answers with the mask that it made of it.

const COMPUTED = 'f'; // the digit of a cell that nobody painted; the others are tenths
const LEVELS = 10;
const OPACITY = 0.62;
const SHARPNESS = 2; // canvas pixels a CSS pixel
const SHOWN = 340; // CSS pixels of the longer side
const SETTLED = 350; // ms without a further key before the server hears of it
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const painters = new WeakMap();

class Painter {
  constructor(root) {
    this.find = name => root.querySelector(name);
    this.canvas = this.find('canvas');
    this.photo = new Image();
    this.photo.onload = () => this.draw();
    this.cursor = null; // [row, column] under the pointer or the keys
    this.drawing = false;
    this.unsent = false;
    this.serial = null;
    this.listen();
  }

  // What the server knows: adopted unless it has not yet heard of the latest stroke.
  show(data, send) {
    this.data = data;
    this.send = send;
    if (this.serial === null) this.serial = data.serial;
    if (data.serial >= this.serial && !this.unsent && !this.drawing) {
      this.serial = data.serial;
      this.cells = data.cells ? [...data.cells] : new Array(data.rows * data.columns).fill(COMPUTED);
    }
    if (this.photo.src !== data.photo) this.photo.src = data.photo;
    const unit = SHARPNESS * SHOWN / Math.max(data.rows, data.columns);
    this.canvas.width = Math.round(unit * data.columns);
    this.canvas.height = Math.round(unit * data.rows);
    this.canvas.setAttribute('aria-label', data.words.label);
    for (const [name, word] of Object.entries(
      { 'value-name': 'value', 'size-name': 'size', 'erase-name': 'erase', fill: 'fill', clear: 'clear' },
    )) this.find(`.${name}`).textContent = data.words[word];
    this.tell();
    this.draw();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      event.preventDefault();
      this.drawing = true;
      this.cursor = this.cellAt(event);
      this.paint(this.cursor);
    });
    canvas.addEventListener('pointermove', event => {
      const cell = this.cellAt(event);
      if (this.drawing) this.paintTo(cell);
      this.cursor = cell;
      this.tell();
      this.draw();
    });
    for (const name of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(name, () => {
        this.drawing = false;
        this.commit();
      });
    }
    canvas.addEventListener('keydown', event => this.onKey(event));
    canvas.addEventListener('blur', () => this.commit());
    this.find('.brush').addEventListener('input', () => {
      this.find('.erase').checked = false;
      this.tell();
    });
    this.find('.fill').addEventListener('click', () => this.everything(this.digit()));
    this.find('.clear').addEventListener('click', () => this.everything(COMPUTED));
  }

  onKey(event) {
    const { rows, columns } = this.data;
    const step = ARROWS[event.key];
    const [row, column] = this.cursor ?? [Math.floor(rows / 2), Math.floor(columns / 2)];
    if (step) {
      this.cursor = [
        Math.min(Math.max(row + step[0], 0), rows - 1),
        Math.min(Math.max(column + step[1], 0), columns - 1),
      ];
      if (event.shiftKey) this.paint(this.cursor);
    } else if (event.key === ' ' || event.key === 'Enter') {
      this.cursor = [row, column];
      this.paint(this.cursor);
    } else if (event.key === 'Backspace' || event.key === 'Delete') {
      this.cursor = [row, column];
      this.paint(this.cursor, COMPUTED);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.tell();
    this.draw();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.commit(), SETTLED);
  }

  digit() {
    return this.find('.erase').checked ? COMPUTED : Number(this.find('.brush').value).toString(16);
  }

  cellAt(event) {
    const { rows, columns } = this.data;
    const box = this.canvas.getBoundingClientRect();
    const place = (offset, size, count) => Math.min(Math.max(Math.floor(offset / size * count), 0), count - 1);
    return [place(event.clientY - box.top, box.height, rows), place(event.clientX - box.left, box.width, columns)];
  }

  // Every cell on the way from the last one, so that a quick stroke has no holes.
  paintTo(cell) {
    const [fromRow, fromColumn] = this.cursor;
    const [row, column] = cell;
    const steps = Math.max(Math.abs(row - fromRow), Math.abs(column - fromColumn));
    for (let i = 1; i <= steps; i += 1) {
      this.paint([
        Math.round(fromRow + (row - fromRow) * i / steps),
        Math.round(fromColumn + (column - fromColumn) * i / steps),
      ]);
    }
  }

  footprint([row, column]) {
    const { rows, columns } = this.data;
    const reach = (Number(this.find('.size').value) - 1) / 2;
    const top = Math.max(row - reach, 0);
    const left = Math.max(column - reach, 0);
    return [top, left, Math.min(row + reach, rows - 1), Math.min(column + reach, columns - 1)];
  }

  paint(cell, digit = this.digit()) {
    const [top, left, bottom, right] = this.footprint(cell);
    for (let row = top; row <= bottom; row += 1) {
      this.cells.fill(digit, row * this.data.columns + left, row * this.data.columns + right + 1);
    }
    this.unsent = true;
    this.tell();
    this.draw();
  }

  everything(digit) {
    this.cells.fill(digit);
    this.unsent = true;
    this.draw();
    this.commit();
  }

  commit() {
    clearTimeout(this.waiting);
    if (!this.unsent) return;
    this.unsent = false;
    this.serial += 1;
    this.send({ cells: this.cells.join(''), serial: this.serial });
  }

  value(index) {
    const digit = this.cells[index];
    return digit === COMPUTED ? this.data.computed[index] : parseInt(digit, 16) / LEVELS;
  }

  tell() {
    const { words, columns } = this.data;
    this.find('.value').textContent = (Number(this.find('.brush').value) / LEVELS).toFixed(1);
    if (this.cursor === null) {
      this.find('.where').textContent = '';
      return;
    }
    const [row, column] = this.cursor;
    const index = row * columns + column;
    const kind = this.cells[index] === COMPUTED ? words.computed : words.painted;
    const filled = words.cell.replace('{row}', row).replace('{column}', column);
    this.find('.where').textContent = `${filled.replace('{value}', this.value(index).toFixed(2))} (${kind})`;
  }

  colour(value) {
    const { scale } = this.data;
    const above = Math.max(scale.findIndex(([stop]) => stop >= value), 1);
    const [[low, from], [high, to]] = [scale[above - 1], scale[above]];
    const share = (value - low) / (high - low);
    const mixed = [1, 3, 5].map(i => {
      const [a, b] = [from, to].map(hex => parseInt(hex.slice(i, i + 2), 16));
      return Math.round(a + share * (b - a));
    });
    return `rgb(${mixed.join(' ')})`;
  }

  draw() {
    const { canvas } = this;
    const { rows, columns, frame } = this.data;
    const context = canvas.getContext('2d');
    const [width, height] = [canvas.width / columns, canvas.height / rows];
    context.globalAlpha = 1;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.photo.complete && this.photo.naturalWidth) {
      context.drawImage(this.photo, 0, 0, canvas.width, canvas.height);
    }
    context.lineWidth = SHARPNESS;
    this.cells.forEach((digit, index) => {
      const [x, y] = [index % columns * width, Math.floor(index / columns) * height];
      context.globalAlpha = OPACITY;
      context.fillStyle = this.colour(this.value(index));
      context.fillRect(x, y, width, height);
      if (digit !== COMPUTED) {
        context.globalAlpha = 1;
        context.strokeStyle = frame;
        context.strokeRect(x + 1, y + 1, width - 2, height - 2);
      }
    });
    if (this.cursor) {
      const [top, left, bottom, right] = this.footprint(this.cursor);
      context.globalAlpha = 1;
      for (const [colour, dash] of [['#000', []], ['#fff', [6, 6]]]) {
        context.strokeStyle = colour;
        context.lineWidth = 2 * SHARPNESS;
        context.setLineDash(dash);
        context.strokeRect(left * width, top * height, (right - left + 1) * width, (bottom - top + 1) * height);
      }
      context.setLineDash([]);
    }
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  let painter = painters.get(parentElement);
  if (!painter) painters.set(parentElement, painter = new Painter(parentElement));
  painter.show(data, stroke => setTriggerValue('painted', stroke));
}
