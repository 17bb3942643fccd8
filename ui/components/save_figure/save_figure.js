// Two buttons that save the chart with the key data.chart as it stands, through the chart's own camera button, which
// draws what its settings ask for. It is the only button there: its words would tell it too, but they are translated.

function save(chart, options, report, missing) {
  const graph = document.querySelector(`.st-key-${CSS.escape(chart)} .js-plotly-plot`);
  const camera = graph?.querySelector('.modebar-btn');
  if (!camera) {
    report(missing);
    return;
  }
  report('');
  graph._context.toImageButtonOptions = options;
  camera.click();
}

export default function ({ data, parentElement }) {
  const [png, svg] = parentElement.querySelectorAll('button');
  const status = parentElement.querySelector('p');
  const report = text => { status.textContent = text; };
  for (const [button, format, scale] of [[png, 'png', data.scale], [svg, 'svg', 1]]) {
    button.textContent = data.labels[format];
    const options = { format, scale, filename: data.filename, width: data.width, height: data.height };
    button.onclick = () => save(data.chart, options, report, data.missing);
  }
}
