// Charts wait here for their turn: what is on the screen comes first, the rest while the browser has nothing to do. One
// at a time, so that a page with a dozen answers in between.

const waiting = new Set();
let asked = false;

const onScreen = (chart) => {
  const box = chart.place.getBoundingClientRect();
  return box.bottom > 0 && box.top < window.innerHeight;
};

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
  if ([...waiting].some(onScreen)) setTimeout(next);
  else free(next, { timeout: 100 });
}

async function next() {
  const charts = [...waiting];
  const chart = charts.find(onScreen) ?? charts[0];
  waiting.delete(chart);
  try {
    await chart?.draw();
  } finally {
    if (chart && !waiting.has(chart)) dequeue(chart); // nothing new came meanwhile
    asked = false;
    ask();
  }
}
