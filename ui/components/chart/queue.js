// Charts wait here for their turn: what is on the screen comes first, then what is nearest to it; what is further away
// while the browser has nothing to do. One at a time, so that a page with a dozen answers in between.

const waiting = new Set();
let asked = false;

// Pixels from the screen to a chart, 0 on it.
const away = (chart) => {
  const { top, bottom } = chart.place.getBoundingClientRect();
  return Math.max(top - window.innerHeight, -bottom, 0);
};

// The chart whose turn it is, and how far away it is.
function nearest() {
  const charts = [...waiting].map((chart) => ({ chart, distance: away(chart) }));
  return charts.reduce((best, each) => (each.distance < best.distance ? each : best));
}

function enqueue(chart) {
  chart.place.dataset.waiting = "";
  waiting.add(chart);
  ask();
}

function dequeue(chart) {
  delete chart.place.dataset.waiting;
  waiting.delete(chart);
}

function ask() {
  if (asked || !waiting.size) return;
  asked = true;
  const free = window.requestIdleCallback ?? ((then) => setTimeout(then, 20)); // Safari has none
  if (nearest().distance < window.innerHeight / 2) setTimeout(next); // a reader scrolls there next
  else free(next, { timeout: 100 });
}

async function next() {
  const chart = waiting.size ? nearest().chart : null;
  waiting.delete(chart);
  try {
    await chart?.draw();
  } finally {
    if (chart && !waiting.has(chart)) dequeue(chart); // nothing new came meanwhile
    asked = false;
    ask();
  }
}
