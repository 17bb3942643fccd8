// What the screen shows of the page, and how large.
//
// Enlarging: words grow with the root's font size. A chart is laid out for the width that it measures around
// it, so the chart gets less width there, and is drawn larger within.

const CONTENT = '[data-testid="stMainBlockContainer"]';
// What can be enlarged: charts say so themselves, other components stand in a container that does.
const FRAME_KEY = /^st-key-(.+)-frame$/;
const FRAMES = `${CONTENT} :is([data-figure], [class*="st-key-"][class*="-frame"])`;
const frameOf = key => `:is([data-figure="${CSS.escape(key)}"], .st-key-${CSS.escape(key)}-frame)`;
const READABLE_WIDTH = 1000; // CSS pixels of a page that is drawn as large as it may be
const COMFORTABLE_WIDTH = 1400; // and as small, where a step would not fit on the screen otherwise
const LEAST_FIGURE_WIDTH = 420;
const LEAST_PICTURE_WIDTH = 640; // of a picture that is no chart: it is zoomed

// Drawn, because not every font has the characters.
const CORNERS = 'M3 9V3h6M15 3h6v6M21 15v6h-6M9 21H3v-6';
const CLOSE = 'M5 5l14 14M19 5L5 19';
const LEFT = 'M20 12H4M10 6l-6 6 6 6';
const RIGHT = 'M4 12h16M14 6l6 6-6 6';
const HOME = 'M3 11l9-8 9 8M6 9v11h12V9';
const icon = path => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;

const keyOf = (element, pattern) => {
  for (const name of element.classList) {
    const found = pattern.exec(name);
    if (found) return found[1];
  }
  return null;
};

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

class Screen {
  // bar: takes its height from the bottom of the screen.
  constructor(bar) {
    this.bar = bar;
    this.step = null;
    this.figure = null;
    this.rules = document.head.appendChild(make('style', { id: 'presenter-rules' }));
    this.sizes = new ResizeObserver(() => this.shrink());
  }

  close() {
    this.sizes.disconnect();
    this.rules.remove();
  }

  // step: number and element of the step that is to be seen, null for what stands outside of the steps; figure: the key
  // of the one that is enlarged, or null; changed: whether there is something new to fit in.
  show(step, figure, changed) {
    Object.assign(this, { step, figure });
    const keep = figure ? frameOf(figure) : step && `.st-key-step-${step.number}`;
    const others = `${CONTENT} :is([data-testid="stLayoutWrapper"]:has(> [class*="st-key-step-"]), [class*="st-key-step-"])`;
    const rules = keep
      ? `${CONTENT} div:has(${keep}) > :not(:has(${keep}), ${keep}) { display: none !important; }`
      : `${others} { display: none !important; }`;
    if (rules !== this.rules.textContent) {
      this.rules.textContent = rules;
      changed = true;
    }
    const root = document.documentElement;
    root.toggleAttribute('data-presenter-step', Boolean(step));
    root.toggleAttribute('data-presenter-figure', Boolean(figure));
    if (changed) this.fit();
  }

  get subject() {
    const step = this.step?.element;
    const frame = this.figure && document.querySelector(frameOf(this.figure));
    return frame ?? step ?? document.querySelector(CONTENT);
  }

  // Whether the subject is or holds a chart.
  get chart() {
    return Boolean(this.subject?.querySelector('.chart'));
  }

  // As large as the width allows, or smaller down to where it is still comfortable, until it fits the height.
  fit() {
    const subject = this.subject;
    if (!subject) return;
    this.sizes.disconnect();
    const [most, least] = this.limits();
    for (let scale = most; ; scale = Math.max(least, scale * 0.94)) {
      this.setScale(scale);
      if (scale <= least || this.fits(subject)) break;
    }
    this.sizes.observe(subject);
  }

  // A figure that has come in late may need more room; growing again is left to the next step, or it would flicker.
  shrink() {
    const [, least] = this.limits();
    while (this.scale > least && !this.fits(this.subject)) this.setScale(Math.max(least, this.scale * 0.94));
  }

  limits() {
    const width = document.documentElement.clientWidth;
    if (this.figure) return [Math.max(1, width / (this.chart ? LEAST_FIGURE_WIDTH : LEAST_PICTURE_WIDTH)), 1];
    return [Math.max(1, width / READABLE_WIDTH), Math.max(1, width / COMFORTABLE_WIDTH)];
  }

  setScale(scale) {
    this.scale = scale;
    const { style } = document.documentElement;
    style.setProperty('--presenter-scale', scale);
    if (!this.figure) style.setProperty('--presenter-type', scale);
  }

  fits(subject) {
    // Screen 0 fills the height in any case; around a step or a figure some room stays free.
    const room = window.innerHeight - this.bar.offsetHeight;
    const around = this.figure ? 16 : this.step ? 48 : -2;
    return subject.offsetHeight + around <= room;
  }

  // A button beside each figure; enlarge gets its key, or null to let go of it.
  offerEnlarging(words, enlarge) {
    for (const frame of document.querySelectorAll(FRAMES)) {
      const key = frame.dataset.figure ?? keyOf(frame, FRAME_KEY);
      if (!key) continue;
      let button = frame.querySelector(':scope > .presenter-enlarge');
      if (!button) {
        button = make('button', { className: 'presenter-enlarge', type: 'button' });
        frame.append(button);
      }
      const open = this.figure === key;
      button.onclick = () => enlarge(open ? null : key);
      const name = open ? words.close : words.enlarge;
      if (button.title !== name) {
        button.title = name;
        button.setAttribute('aria-label', name);
        button.innerHTML = icon(open ? CLOSE : CORNERS);
      }
    }
  }
}

