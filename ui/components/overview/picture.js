// Two canvases: the picture itself, drawn anew when its size changes, and above it what follows the pointer.

const READABLE = 14; // pixels of height of a cell with a number in it
const LEAST_SHOWN = 0.004; // a link of less weight would be invisible anyway

function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function drawMatrix(context, matrix, { x, y, w, h }, view) {
  const cell = { w: w / matrix.columns, h: h / matrix.rows };
  context.imageSmoothingEnabled = cell.w < 1 || cell.h < 1; // a mean of numbers where a pixel holds several
  context.imageSmoothingQuality = "high";
  context.drawImage(matrix.image, x, y, w, h);
  context.strokeStyle = view.colours.quiet;
  context.lineWidth = 1;
  context.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1);
  if (TOKEN_GRID.has(matrix.name) && Math.min(cell.w, cell.h) >= 9) drawLines(context, matrix, { x, y, w, h }, cell);
  if (matrix.name === "scores" && view.mask) crossOut(context, matrix, { x, y }, cell, view);
  if (cell.h >= READABLE) drawNumbers(context, matrix, { x, y }, cell, view);
}

function drawLines(context, matrix, { x, y, w, h }, cell) {
  context.beginPath();
  for (let column = 1; column < matrix.columns; column++) {
    context.moveTo(x + column * cell.w, y);
    context.lineTo(x + column * cell.w, y + h);
  }
  for (let row = 1; row < matrix.rows; row++) {
    context.moveTo(x, y + row * cell.h);
    context.lineTo(x + w, y + row * cell.h);
  }
  context.save();
  context.globalAlpha = 0.35;
  context.stroke();
  context.restore();
}

function crossOut(context, matrix, { x, y }, cell, view) {
  context.save();
  context.lineWidth = 1.2;
  for (let row = 0; row < matrix.rows; row++) {
    for (let column = 0; column < matrix.columns; column++) {
      if (view.mask[row * matrix.columns + column]) continue;
      const [left, top] = [x + column * cell.w, y + row * cell.h];
      context.fillStyle = view.colours.quiet;
      context.fillRect(left, top, cell.w, cell.h);
      if (Math.min(cell.w, cell.h) < 6) continue;
      context.strokeStyle = "#ffffff";
      context.beginPath();
      context.moveTo(left + 2, top + cell.h - 2);
      context.lineTo(left + cell.w - 2, top + 2);
      context.stroke();
    }
  }
  context.restore();
}

/** With as many decimals as fit; not at all where none does. */
function drawNumbers(context, matrix, { x, y }, cell, view) {
  context.font = `${cell.w < 40 ? 11 : 12}px ${view.font}`;
  const longest = matrix.scale === "weight" ? 1 : -matrix.limit;
  const fits = (digits) => context.measureText(formatted(longest, digits, view.minus, true)).width <= cell.w - 4;
  const digits = (matrix.scale === "weight" ? [2] : [2, 1]).find(fits);
  if (digits === undefined) return;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let row = 0; row < matrix.rows; row++) {
    for (let column = 0; column < matrix.columns; column++) {
      if (matrix.name === "scores" && view.mask && !view.mask[row * matrix.columns + column]) continue;
      const value = matrix.at(row, column);
      context.fillStyle = isDark(matrix.colour(value)) ? "#ffffff" : "#14181d";
      const text = formatted(value, digits, view.minus, true);
      context.fillText(text, x + (column + 0.5) * cell.w, y + (row + 0.5) * cell.h + 0.5);
    }
  }
}

/** Everything that does not move. */
function drawPicture(context, view) {
  const { layout, matrices } = view;
  context.clearRect(0, 0, view.width, layout.height);
  for (const [index, lane] of layout.lanes.entries()) drawFlow(context, view, lane, layout.bands[index]);
  for (const [name, rect] of Object.entries(layout.rects)) drawMatrix(context, matrices[name], rect, view);
  framed(context, headPart(view), view.colours.output, 2);
}

/** The columns of this head among all heads joined. */
function headPart({ layout, head, heads }) {
  const { x, y, w, h } = layout.rects.joined;
  return { x: x + (w * head) / heads, y, w: w / heads, h };
}

function drawFlow(context, view, lane, band) {
  const { rects } = view.layout;
  context.save();
  context.strokeStyle = context.fillStyle = view.colours.quiet;
  context.lineWidth = 1;
  const middle = (band.rowTop + band.bottom) / 2;
  const lower = lane.map(({ index }) => rects[COLUMNS[index].below]);
  for (let i = 1; i < lower.length; i++) arrow(context, lower[i - 1].x + lower[i - 1].w + 2, lower[i].x - 2, middle);
  if (rects.input.y === rects.raw.y) {
    for (const name of ["key", "value"]) {
      const way = wayUp(view, band, name, rects.input.y + 1);
      polyline(context, way, 6);
      const [x, y] = way.at(-1);
      head(context, x, y);
    }
  }
  context.restore();
}

/** From a, at a height, around everything else to the left edge of k or v; only where they share a lane. */
function wayUp({ layout: { rects } }, band, name, start, end) {
  const [{ x, w }, target] = [rects.input, rects[name]];
  const bend = x + w + (name === "key" ? 6 : 10);
  const goal = end ?? target.y + target.h / 2;
  const arrive = [target.x - 2, goal];
  if (name === "key") return [[x + w, start], [bend, start], [bend, goal], arrive];
  const turn = target.x - 9;
  return [[x + w, start], [bend, start], [bend, band.channel], [turn, band.channel], [turn, goal], arrive];
}

function polyline(context, points, radius) {
  context.beginPath();
  context.moveTo(...points[0]);
  for (let i = 1; i < points.length - 1; i++) context.arcTo(...points[i], ...points[i + 1], radius);
  context.lineTo(...points.at(-1));
  context.stroke();
}

function arrow(context, from, to, y) {
  context.beginPath();
  context.moveTo(from, y);
  context.lineTo(to - 3, y);
  context.stroke();
  head(context, to, y);
}

function head(context, x, y) {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - 5, y - 3.5);
  context.lineTo(x - 5, y + 3.5);
  context.fill();
}

/** A frame around a place, in a hue with a light edge, so that it stands out from every scale and hides no number. */
function framed(context, { x, y, w, h }, colour, thick) {
  context.save();
  for (const [style, out, width] of [
    ["#ffffff", thick + 0.5, 1],
    [colour, thick / 2, thick],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.strokeRect(x - out, y - out, w + 2 * out, h + 2 * out);
  }
  context.restore();
}

/** The chosen query and key in every block, and the links between blocks. */
function drawOverlay(context, view, { query, key, element }) {
  const { layout, matrices, colours } = view;
  context.clearRect(0, 0, view.width, layout.height);
  drawRowLinks(context, view, query);
  drawWeightLinks(context, view, query);
  drawKeyWays(context, view, key);
  for (const [name, rect] of Object.entries(layout.rects)) {
    const { rows, columns: count } = matrices[name];
    const line = (index) => ({ x: rect.x, y: rect.y + (index * rect.h) / rows, w: rect.w, h: rect.h / rows });
    const upright = (index) => ({ x: rect.x + (index * rect.w) / count, y: rect.y, w: rect.w / count, h: rect.h });
    if (name === "value") framed(context, line(key), colours.key, 1.5);
    else if (name === "key") framed(context, upright(key), colours.key, 1.5);
    else {
      if (TOKEN_GRID.has(name)) framed(context, upright(key), colours.key, 1.5);
      framed(context, line(query), colours.query, 1.5);
    }
    if (TOKEN_GRID.has(name)) framed(context, crossing(line(query), upright(key)), colours.frame, 2);
    if (element && element.name === name) framed(context, cellOf(element, line, upright), colours.frame, 2);
  }
}

function crossing(line, upright) {
  return { x: upright.x, y: line.y, w: upright.w, h: line.h };
}

function cellOf({ row, column }, line, upright) {
  return crossing(line(row), upright(column));
}

function drawRowLinks(context, { layout, colours, labelWidth }, query) {
  context.save();
  context.strokeStyle = colours.query;
  context.lineWidth = 2;
  context.beginPath();
  for (const [index, lane] of layout.lanes.entries()) {
    const { rowTop, row } = layout.bands[index];
    const y = rowTop + (query + 0.5) * row;
    let from = labelWidth;
    for (const { index: column } of lane) {
      const { x, w } = layout.rects[COLUMNS[column].below];
      context.moveTo(from, y);
      context.lineTo(x, y);
      from = x + w;
    }
  }
  context.stroke();
  context.restore();
}

/** From each weight of the row to the value that it multiplies, as strong as the weight. */
function drawWeightLinks(context, { layout: { rects }, matrices, colours }, query) {
  const { weights, value } = rects;
  const count = matrices.weights.columns;
  const beside = weights.y === rects.head.y; // else the values stand a lane below
  context.save();
  context.strokeStyle = colours.weight;
  for (let j = 0; j < count; j++) {
    const weight = matrices.weights.at(query, j);
    if (weight < LEAST_SHOWN) continue;
    const x = weights.x + ((j + 0.5) * weights.w) / count;
    const y = value.y + ((j + 0.5) * value.h) / count;
    context.globalAlpha = (0.2 + 0.8 * weight) * (beside ? 1 : 0.6);
    context.lineWidth = 0.6 + (beside ? 3.4 : 1.4) * weight;
    context.beginPath();
    if (beside) {
      context.moveTo(x, weights.y);
      context.bezierCurveTo(x, weights.y - 45, value.x - 35, y, value.x, y);
    } else {
      const [bottom, right] = [weights.y + weights.h, value.x + value.w];
      context.moveTo(x, bottom);
      context.bezierCurveTo(x, bottom + 80, right + 90, y, right, y);
    }
    context.stroke();
  }
  context.restore();
}

/** From the key's row of a up to its column of k and its row of v, and on into q·k. */
function drawKeyWays(context, view, key) {
  const { layout, matrices, colours } = view;
  const { input, raw, value, key: keys } = layout.rects;
  const count = matrices.raw.columns;
  const x = keys.x + ((key + 0.5) * keys.w) / count;
  context.save();
  context.lineWidth = 2;
  context.strokeStyle = colours.key;
  context.beginPath();
  context.moveTo(x, keys.y + keys.h);
  context.lineTo(x, raw.y);
  context.stroke();
  if (input.y === raw.y) {
    const start = input.y + ((key + 0.5) * input.h) / count;
    context.lineWidth = 1.5;
    polyline(context, wayUp(view, layout.bands[0], "key", start), 6);
    const end = value.y + ((key + 0.5) * value.h) / count;
    context.strokeStyle = colours.value;
    polyline(context, wayUp(view, layout.bands[0], "value", start, end), 6);
  }
  context.restore();
}
