// The page's light or dark colours, as a template for what a figure leaves open.

const QUIETER = 0.78; // how much of the text's colour the words beside a picture have

// Plotly mixes no colours: the browser does, on a canvas of one pixel.
const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

function mixed(front, back, share) {
  for (const [colour, opacity] of [[back, 1], [front, share]]) {
    pixel.globalAlpha = opacity;
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
  }
  const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

function themeOf(element) {
  const style = getComputedStyle(element);
  const [text, ground, border] = ["text", "background", "border"].map((name) =>
    style.getPropertyValue(`--st-${name}-color`),
  );
  const quiet = mixed(text, ground, QUIETER);
  const line = mixed(text, ground, 0.12);
  const axis = {
    title: { font: { color: quiet, size: 14 } },
    tickfont: { color: quiet },
    gridcolor: line,
    zerolinecolor: line,
    tickcolor: line,
  };
  return {
    font: { color: quiet },
    title: { font: { color: text } },
    xaxis: axis,
    yaxis: axis,
    legend: { font: { color: text } },
    hoverlabel: { bgcolor: ground, bordercolor: border, font: { color: text } },
  };
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// What both say, `over` where they differ.
function merged(under, over) {
  if (!isObject(under) || !isObject(over)) return over;
  const both = { ...under };
  for (const [name, value] of Object.entries(over)) both[name] = name in under ? merged(under[name], value) : value;
  return both;
}
