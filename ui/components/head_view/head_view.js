// Queries on the left, keys on the right, a line for every link that Python sent: hue = head, strength = weight.
// What is drawn was chosen by Python; here it is only decoded, filtered by the token under the pointer, and painted.

const LONGEST = 780; // pixels of the picture before it scrolls
const ROWS = { most: 30, least: 19 }; // pixels a token
const FAINTEST = { all: 0.06, few: 0.3 }; // strength of a link of weight 0, so that every drawn link can be seen
const MOST = 12000; // links in the picture of all; a token's own are always complete
const PAUSE = 10; // milliseconds of painting a frame
const NAMED = 5; // links that the line above the picture names
const NUMBERS = 3; // heads whose percentages fit beside a token

const kept = new WeakMap(); // what is locked, and what to stop, by place on the page: a rerun calls the function again

export default function ({ data, parentElement, setTriggerValue }) {
  const before = kept.get(parentElement);
  before?.stop.abort();
  const stop = new AbortController();
  const tokens = JSON.stringify([data.tokens, data.queries, data.keys]);
  const view = { stop, tokens, locked: before?.tokens === tokens ? before.locked : null };
  kept.set(parentElement, view);
  draw(parentElement.querySelector(".view"), data, view, (heads) => setTriggerValue("heads", heads));
  return () => view.stop.abort();
}

function draw(root, data, view, choose) {
  const find = (name) => root.querySelector(`.${name}`);
  const { words } = data;
  const links = data.heads.filter((head) => head.on).flatMap(decoded).sort((a, b) => a.weight - b.weight);
  const scroll = find("scroll");
  const canvas = root.querySelector("canvas");
  const reading = find("reading");
  const unlock = find("unlock");
  const row = Math.max(ROWS.least, Math.min(ROWS.most, LONGEST / (data.queries.length + 1)));
  root.style.setProperty("--row", `${row}px`);
  root.style.setProperty("--letters", `${Math.min(16, row * 0.66)}px`);
  root.style.setProperty("--query", data.colours.query);
  root.style.setProperty("--key", data.colours.key);
  find("of-queries").textContent = words.queries;
  find("of-keys").textContent = words.keys;
  find("heads").setAttribute("aria-label", words.heads);
  find("heads").replaceChildren(...data.heads.map((head) => swatch(head, data.heads, choose)));
  unlock.textContent = words.unlock;

  const sides = {};
  for (const side of ["queries", "keys"]) {
    const list = find(`side.${side}`);
    list.setAttribute("aria-label", words[side]);
    sides[side] = new Map(data[side].map((token) => [token, option(data, side, token)]));
    list.replaceChildren(...[...sides[side].values()].map((made) => made.element));
  }
  const every = [...sides.queries.values(), ...sides.keys.values()];
  const other = (side) => (side === "queries" ? "keys" : "queries");
  let hovered = null; // {side, token}

  const picture = painter(canvas, links, view.stop.signal, () => scroll.scrollTop);
  const looked = () => view.locked ?? hovered;
  const ofToken = (at) => links.filter((link) => link[at.side] === at.token);

  function measure() {
    const middles = {};
    for (const side of ["queries", "keys"]) {
      middles[side] = new Map([...sides[side]].map(([token, made]) => [token, made.element.offsetTop + row / 2]));
    }
    picture.measure(middles, Math.min(find("stage").offsetHeight, LONGEST));
    paint();
  }

  function paint() {
    const at = looked();
    picture.paint(at ? ofToken(at) : null);
  }

  function tell() {
    const at = looked();
    for (const made of every) made.reset(at !== null);
    unlock.hidden = view.locked === null;
    reading.classList.toggle("hint", at === null);
    if (at === null) {
      reading.textContent = picture.left() ? words.heaviest.replace("{count}", MOST) : words.hint;
    } else {
      const mine = ofToken(at).reverse(); // the heaviest first
      sides[at.side].get(at.token).choose(view.locked !== null);
      for (const [token, made] of sides[other(at.side)]) made.show(mine.filter((l) => l[other(at.side)] === token));
      const named = mine.slice(0, NAMED).map((l) => `${text(l[other(at.side)])} ${percent(l.weight)}${by(l)}`);
      const start = document.createElement("b");
      start.textContent = words[at.side === "queries" ? "looks" : "looked"].replace("{token}", () => text(at.token));
      const more = mine.length > NAMED ? " …" : "";
      reading.replaceChildren(start, " ", named.length ? named.join(" · ") + more : words.nothing);
    }
    paint();
  }

  const text = (token) => data.tokens[token].name;
  const several = data.heads.filter((head) => head.on).length > 1;
  const by = (link) => (several ? ` (${words.head} ${link.head.name})` : "");

  function lock(at) {
    const same = view.locked && view.locked.side === at.side && view.locked.token === at.token;
    view.locked = same ? null : at;
    tell();
  }

  function release() {
    view.locked = null;
    hovered = null;
    tell();
  }

  const listen = (target, type, act) => target.addEventListener(type, act, { signal: view.stop.signal });
  for (const made of every) {
    const at = { side: made.side, token: made.token };
    listen(made.element, "pointerenter", (event) => event.pointerType !== "touch" && ((hovered = at), tell()));
    listen(made.element, "pointerleave", () => ((hovered = null), tell()));
    listen(made.element, "focus", () => made.element.matches(":focus-visible") && ((hovered = at), tell()));
    listen(made.element, "blur", () => ((hovered = null), tell()));
    listen(made.element, "click", () => lock(at));
    listen(made.element, "keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") lock(at);
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") step(at, event.key === "ArrowDown" ? 1 : -1);
      else if (event.key === "ArrowRight" || event.key === "ArrowLeft") cross(at);
      else return;
      event.preventDefault();
    });
  }
  function step(at, by) {
    const list = [...sides[at.side].values()];
    const next = list[list.findIndex((made) => made.token === at.token) + by];
    if (next) move(next);
  }
  function cross(at) {
    const far = sides[other(at.side)];
    move(far.get(at.token) ?? far.values().next().value);
  }
  function move(made) {
    for (const sibling of sides[made.side].values()) sibling.element.tabIndex = sibling === made ? 0 : -1;
    made.element.focus({ focusVisible: true });
  }
  listen(unlock, "click", release);
  listen(document, "keydown", (event) => event.key === "Escape" && view.locked && release());
  listen(scroll, "scroll", () => (picture.restart(), paint()));
  if (view.locked && !sides[view.locked.side].has(view.locked.token)) view.locked = null;
  const resized = new ResizeObserver(measure);
  resized.observe(find("stage"));
  view.stop.signal.addEventListener("abort", () => resized.disconnect());
  measure();
  tell();
}

// Paints links on a canvas: some at once, or all of them, a bit a frame, on a sheet that is kept, so that the page
// never waits. Lighter links come first and heavier ones over them.
function painter(canvas, links, signal, scrolled) {
  const screen = canvas.getContext("2d");
  const sheet = document.createElement("canvas").getContext("2d");
  let middles, width, height, waiting, next, frame;
  let chosen = null; // links that are painted instead of all

  function measure(places, pixels) {
    const scale = window.devicePixelRatio || 1;
    middles = places;
    height = pixels;
    canvas.style.height = `${height}px`;
    width = canvas.clientWidth;
    for (const context of [screen, sheet]) {
      context.canvas.width = Math.round(width * scale);
      context.canvas.height = Math.round(height * scale);
      context.setTransform(scale, 0, 0, scale, 0, 0);
    }
    restart();
  }
  const ends = (link) => [middles.queries.get(link.queries) - scrolled(), middles.keys.get(link.keys) - scrolled()];
  function inSight(link) {
    const [start, end] = ends(link);
    return Math.max(start, end) >= 0 && Math.min(start, end) <= height;
  }
  function line(context, link, faintest) {
    const [start, end] = ends(link);
    context.globalAlpha = faintest + (1 - faintest) * link.weight;
    context.strokeStyle = link.head.colour;
    context.lineWidth = Math.max(1, 4 * link.weight);
    context.beginPath();
    context.moveTo(0, start);
    context.lineTo(width, end);
    context.stroke();
  }
  function restart() {
    waiting = links.filter(inSight).slice(-MOST);
    next = 0;
    sheet.clearRect(0, 0, width, height);
  }
  function paint(some) {
    chosen = some;
    screen.globalAlpha = 1;
    screen.clearRect(0, 0, width, height);
    if (chosen) for (const link of chosen.filter(inSight)) line(screen, link, FAINTEST.few);
    else if (width && height) screen.drawImage(sheet.canvas, 0, 0, width, height);
    cancelAnimationFrame(frame);
    if (next < waiting.length && !signal.aborted) frame = requestAnimationFrame(more);
  }
  function more() {
    const start = performance.now();
    while (next < waiting.length && performance.now() - start < PAUSE) line(sheet, waiting[next++], FAINTEST.all);
    paint(chosen);
  }
  return { measure, restart, paint, left: () => links.length > MOST };
}

function decoded(head) {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const queries = new Uint16Array(bytes(head.queries));
  const keys = new Uint16Array(bytes(head.keys));
  const weights = new Float32Array(bytes(head.weights));
  return Array.from(weights, (weight, i) => ({ head, weight, queries: queries[i], keys: keys[i] }));
}

function swatch(head, heads, choose) {
  const label = document.createElement("label");
  const box = document.createElement("input");
  label.style.setProperty("--hue", head.colour);
  box.type = "checkbox";
  box.checked = head.on;
  box.disabled = head.fixed;
  box.addEventListener("change", () => {
    const on = (other) => (other === head ? box.checked : other.on);
    choose(heads.filter((other) => on(other) && !other.fixed).map((other) => other.number));
  });
  label.append(box, head.name);
  return label;
}

// One token at a side; the numbers beside it are those of its links to the token that is looked at.
function option(data, side, token) {
  const element = document.createElement("div");
  const text = document.createElement("span");
  const shares = document.createElement("span");
  element.className = "token";
  element.setAttribute("role", "option");
  element.tabIndex = token === data[side][0] ? 0 : -1;
  element.dataset.token = token;
  element.classList.toggle("special", data.tokens[token].special);
  element.classList.toggle("new", token !== data[side][0] && token === data.second);
  text.className = "text";
  text.textContent = element.title = data.tokens[token].text;
  shares.className = "shares";
  element.append(text, shares);
  return {
    element,
    side,
    token,
    reset(someone) {
      element.classList.remove("active", "locked");
      element.classList.toggle("faint", someone);
      element.setAttribute("aria-selected", "false");
      shares.replaceChildren();
    },
    choose(locked) {
      element.classList.remove("faint");
      element.classList.add("active");
      element.classList.toggle("locked", locked);
      element.setAttribute("aria-selected", String(locked));
    },
    show(links) {
      if (links.length) element.classList.remove("faint");
      shares.replaceChildren(...links.slice(0, NUMBERS).map(number));
    },
  };
}

function number(link) {
  const element = document.createElement("span");
  element.style.setProperty("--hue", link.head.colour);
  element.textContent = percent(link.weight);
  return element;
}

function percent(weight) {
  return `${(100 * weight).toFixed(weight < 0.095 ? 1 : 0)}%`;
}
