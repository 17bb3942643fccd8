// Where everything stands. Row i of every lower block is at one height, column j of k above that of q·k: the eye can
// go straight along. An enlarged block takes the room that the others, become narrow, leave in its lane.

const COLUMNS = [
  { below: "input" },
  { below: "query" },
  { below: "raw", above: "key" },
  { below: "scores" },
  { below: "weights" },
  { below: "head", above: "value" },
  { below: "joined" },
  { below: "output" },
];
const ONE_LANE = [[0, 1, 2, 3, 4, 5, 6, 7]];
const THREE_LANES = [[0, 1], [2, 3, 4], [5, 6, 7]];
const NARROW = 760; // pixels of the whole, below which one lane would be too crowded
const TOKEN_GRID = new Set(["raw", "scores", "weights"]);
const SMALLEST_LABEL = 11; // pixels from one label to the next

/** Lanes with the left edge and width of each column; heights come once the captions have been measured. */
function columns(width, labelWidth, expanded) {
  const narrow = width < NARROW;
  return (narrow ? THREE_LANES : ONE_LANE).map((lane) => {
    const large = lane.find((index) => [COLUMNS[index].below, COLUMNS[index].above].includes(expanded));
    const shrunk = large !== undefined;
    const gap = shrunk ? 14 : narrow ? 14 : 22;
    const room = width - labelWidth - 1 - gap * (lane.length - 1) - 6;
    const thumb = Math.min(narrow ? 30 : 44, room / lane.length);
    const even = Math.floor(room / lane.length);
    let x = labelWidth + 6;
    return lane.map((index) => {
      const w = !shrunk ? even : index === large ? room - thumb * (lane.length - 1) : thumb;
      const column = { index, x, w: Math.floor(w), thumb: shrunk && index !== large, large: index === large };
      x += column.w + gap;
      return column;
    });
  });
}

/** Rectangles {x, y, w, h} of all blocks; captionHeight(names, lane) tells how much text stands beneath. */
function placed(lanes, tokens, expanded, labelHeight, captionHeight) {
  const rects = {};
  let top = 0;
  const bands = lanes.map((lane) => {
    const upper = lane.filter(({ index }) => COLUMNS[index].above);
    const enlarged = lane.find(({ large }) => large);
    const row = rowHeight(tokens, enlarged, expanded);
    const channel = upper.length ? 12 : 0; // for the lines from a to k and v
    const labels = upper.length || (enlarged && TOKEN_GRID.has(expanded)) ? labelHeight : 0;
    const aboveExpanded = upper.some(({ index }) => COLUMNS[index].above === expanded);
    const least = Math.max(aboveExpanded ? 230 : 84, captionHeight(lane, "above") - labels + 14);
    const upperHeight = upper.length ? least : 0;
    const rowTop = top + channel + labels + upperHeight + (upper.length ? 8 : 4);
    for (const { index, x, w } of upper) {
      rects[COLUMNS[index].above] = { x, y: top + channel + labels, w, h: upperHeight };
    }
    for (const { index, x, w } of lane) rects[COLUMNS[index].below] = { x, y: rowTop, w, h: row * tokens };
    const band = { top, channel: top + 5, rowTop, row, bottom: rowTop + row * tokens };
    top = band.bottom + 6 + captionHeight(lane, "below") + 16;
    return band;
  });
  return { rects, bands, height: top - 16 };
}

function rowHeight(tokens, enlarged, expanded) {
  const usual = Math.max(2, Math.min(30, Math.floor(320 / tokens)));
  if (!enlarged || !TOKEN_GRID.has(expanded)) return usual;
  return Math.max(usual, Math.min(44, Math.floor(enlarged.w / tokens)));
}

/** Every how many labels one fits. */
function labelStep(spacing) {
  return Math.max(1, Math.ceil(SMALLEST_LABEL / spacing));
}

/** What lies under a point: the block, and the row and column in it; rows of labels count as rows. */
function underneath(x, y, layout, matrices, labelWidth) {
  for (const [name, { x: left, y: top, w, h }] of Object.entries(layout.rects)) {
    if (x < left || x >= left + w || y < top || y >= top + h) continue;
    const { rows, columns: count } = matrices[name];
    return {
      name,
      row: Math.min(rows - 1, Math.floor(((y - top) / h) * rows)),
      column: Math.min(count - 1, Math.floor(((x - left) / w) * count)),
    };
  }
  const band = layout.bands.find(({ rowTop, bottom }) => y >= rowTop && y < bottom);
  return band && x < labelWidth ? { name: "tokens", row: Math.floor((y - band.rowTop) / band.row) } : null;
}

/** Which token of which part a place in a block belongs to: query, key and element, as far as it says. */
function meaning({ name, row, column }) {
  if (TOKEN_GRID.has(name)) return { query: row, key: column };
  if (name === "key") return { key: column, element: row };
  if (name === "value") return { key: row, element: column };
  return name === "tokens" ? { query: row } : { query: row, element: column };
}
