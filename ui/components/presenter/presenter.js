// One step a screen. The page is drawn whole; this hides all of it but the current step (or what stands outside of the
// steps: screen 0), enlarges what is left to the screen, and listens to keys. Nothing waits for the server: it only
// hears, once a move is over, which step the link should name.

const STEP_KEY = /^st-key-step-(\d+)$/;
const TYPING = 'input:not([type=button], [type=checkbox], [type=radio], [type=submit]), textarea, select, '
  + '[contenteditable=true], [role=slider], [role=combobox], [role=listbox], [role=menu], [role=grid], [role=textbox]';
const ACTIVE = 'button, a, summary, input, [role=button], [role=radio], [role=tab], [role=switch], [role=checkbox]';
// Pictures that are walked through with arrows; they have no use for Page Up and Page Down, which a clicker sends.
const PICTURE = '[role=application], [role=option], canvas';
const UNLOCK = '.unlock'; // what a component of our own shows while a token of it is locked
const LESSON = '.st-key-lesson';
const REVEAL = '.st-key-lesson-reveal button:enabled';
const SCENE_KEY = /^st-key-lesson-leave-(\d+)$/;
const RUNNING = '[data-testid="stApp"]:not([data-test-script-state="notRunning"])';
const SETTLED = 350; // ms without a further move before the server hears of it
const PATIENCE = 100; // ms until a key that would leave the scene asks again whether the page is complete

class Stage {
  constructor(parent) {
    this.parent = parent;
    this.bar = document.body.appendChild(make('nav', { className: 'presenter-bar' }));
    this.sheet = document.body.appendChild(make('div', { className: 'presenter-code', hidden: true }));
    this.sheet.setAttribute('role', 'dialog');
    this.screen = new Screen(this.bar);
    this.steps = [];
    this.figure = null;
    this.byPointer = false;
    this.step = this.stepInLink() ?? 0;
    this.stop = new AbortController();
    const { signal } = this.stop;
    window.addEventListener('keydown', event => this.onKey(event), { signal, capture: true });
    window.addEventListener('pointerdown', () => { this.byPointer = true; }, { signal, capture: true });
    window.addEventListener('popstate', () => this.go(this.stepInLink() ?? 0), { signal });
    window.addEventListener('resize', () => this.screen.fit(), { signal });
    this.watcher = new MutationObserver(() => this.soon());
    this.watcher.observe(document.querySelector('[data-testid="stApp"]'), { childList: true, subtree: true });
    document.documentElement.dataset.presenter = '';
  }

  close() {
    this.stop.abort();
    this.watcher.disconnect();
    this.screen.close();
    clearTimeout(this.telling);
    clearTimeout(this.turning);
    for (const part of [this.bar, this.sheet, ...document.querySelectorAll('.presenter-enlarge')]) {
      part.remove();
    }
    const root = document.documentElement;
    for (const name of [...root.getAttributeNames()].filter(name => name.startsWith('data-presenter'))) {
      root.removeAttribute(name);
    }
  }

  // What the server says: words, and the code of the link when it was asked for.
  update({ words, link, code, note }, tell) {
    this.words = words;
    this.tell = tell;
    const theme = getComputedStyle(this.parent);
    for (const name of ['--st-text-color', '--st-background-color', '--st-secondary-background-color', '--st-font',
      '--st-primary-color']) {
      document.documentElement.style.setProperty(name.replace('--st', '--presenter'), theme.getPropertyValue(name));
    }
    this.bar.setAttribute('aria-label', words.timeline);
    this.drawBar();
    if (code) this.showCode(link, code, note);
    this.soon();
  }

  soon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.look();
    });
  }

  // The page may have changed: other steps, other figures, another link.
  look() {
    const found = [...document.querySelectorAll(`${CONTENT} [class*="st-key-step-"]`)].flatMap(element => {
      const number = keyOf(element, STEP_KEY);
      // A lesson leaves out steps, too, and what it leaves out is none of the stage's.
      const left = number === null || getComputedStyle(element).getPropertyValue('--lesson-hides');
      return left ? [] : [{
        number: Number(number),
        element,
        title: element.querySelector('.step-title')?.textContent ?? number,
      }];
    });
    const told = steps => steps.map(step => `${step.number} ${step.title}`).join('\n');
    const changed = this.sceneIsNew() || told(found) !== told(this.steps);
    this.steps = found;
    if (changed) this.drawBar();
    this.show(changed);
    this.writeLink();
  }

  // ---------------------------------------------------------------- moving

  get order() {
    return [0, ...this.steps.map(step => step.number)];
  }

  go(step) {
    this.step = step;
    this.figure = null;
    this.drawBar();
    this.show(true);
    document.querySelector('[data-testid="stMain"]').scrollTo(0, 0);
    this.writeLink();
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell('moved', this.step), SETTLED);
  }

  move(by) {
    clearTimeout(this.turning);
    const order = this.order;
    const next = order.indexOf(this.shown?.number ?? 0) + by;
    if (next >= 0 && next < order.length) this.go(order[next]);
    else if (document.querySelector(LESSON)) this.turn(by);
  }

  // Past the last step, or before the start: what the lesson's own buttons do. Not before the page is complete.
  turn(by) {
    if (document.querySelector(RUNNING)) {
      this.turning = setTimeout(() => this.move(by), PATIENCE);
      return;
    }
    const way = by > 0 ? [REVEAL, '[class*="st-key-lesson-next-"] button'] : ['[class*="st-key-lesson-back-"] button'];
    const button = way.map(part => document.querySelector(`${LESSON} ${part}`)).find(found => found);
    if (!button) return;
    clearTimeout(this.telling); // the link is about to name another scene
    button.click();
  }

  // Whether the lesson has gone to another scene, which then begins at its start.
  sceneIsNew() {
    const sign = document.querySelector(`${LESSON} [class*="st-key-lesson-leave-"]`);
    const before = this.scene;
    if (sign) this.scene = keyOf(sign, SCENE_KEY);
    if (before === undefined || before === this.scene) return false;
    this.step = 0;
    this.figure = null;
    return true;
  }

  onKey(event) {
    const { key } = event;
    // Through the walls of our own components, whose insides the target does not name.
    const path = event.composedPath().filter(node => node instanceof Element);
    const within = kind => path.find(node => node.matches(kind));
    if (key === 'Tab') this.byPointer = false;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = within(TYPING);
    if (key === 'Escape') {
      if (this.escape(typing)) event.preventDefault();
      return;
    }
    const paging = key.startsWith('Page');
    if (!paging && within(PICTURE)) return;
    const active = within(ACTIVE);
    // A button that was reached with Tab keeps its keys; one that was clicked has done its work.
    if (typing || (active && !this.byPointer && !this.bar.contains(active))) return;
    if (active && key === ' ' && this.bar.contains(active) && !this.byPointer) return;
    const by = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1, ' ': event.shiftKey ? -1 : 1 }[key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (active) active.blur(); // or releasing the space bar would press it
    this.closeCode();
    this.move(by);
  }

  // Closes what lies on top: the code, what is locked in a component, an enlarged figure; a menu of the page's own sees
  // to itself; else the mode.
  escape(typing) {
    const unlock = this.unlock;
    if (!this.sheet.hidden) this.closeCode();
    else if (unlock) unlock.click();
    else if (this.figure) this.enlarge(null);
    else if (typing || document.querySelector('[data-baseweb="popover"], [data-baseweb="menu"]')) return false;
    else this.tell('leave', true);
    return true;
  }

  // The button of a locked component that is on the screen.
  get unlock() {
    const component = `${CONTENT} [data-testid^="stBidiComponent"]`;
    const hosts = [...document.querySelectorAll(`${component}, ${component} *`)];
    const buttons = hosts.flatMap(host => [...(host.shadowRoot?.querySelectorAll(UNLOCK) ?? [])]);
    return buttons.find(button => !button.hidden && button.getClientRects().length > 0);
  }

  // ---------------------------------------------------------------- the link

  stepInLink() {
    const found = /[?&]step=(\d+)/.exec(window.location.search);
    return found ? Number(found[1]) : null;
  }

  writeLink() {
    const now = this.stepInLink();
    if (now === null || now === this.step) return;
    const { pathname, search } = window.location;
    window.history.replaceState(window.history.state, '', pathname + search.replace(/([?&]step=)\d+/, `$1${this.step}`));
  }

  // The question names the step, too: a report of the last move behind it would take its answer away.
  ask() {
    clearTimeout(this.telling);
    this.tell('code', this.step);
  }

  showCode(link, code, note) {
    const close = make('button', { innerHTML: icon(CLOSE), title: this.words.close, onclick: () => this.closeCode() });
    close.setAttribute('aria-label', this.words.close);
    const picture = make('div', { className: 'presenter-code-picture', innerHTML: code });
    this.sheet.replaceChildren(close, picture, make('p', { textContent: link }), make('p', { textContent: note }));
    this.sheet.setAttribute('aria-label', this.words.code);
    this.sheet.hidden = false;
    close.focus();
  }

  closeCode() {
    this.sheet.hidden = true;
  }

  // ---------------------------------------------------------------- what is to be seen

  // The current step as it is on the page; null on screen 0, and where the page has no such step (yet).
  get shown() {
    return this.steps.find(step => step.number === this.step) ?? null;
  }

  show(changed) {
    this.screen.show(this.shown, this.figure, changed);
    this.screen.offerEnlarging(this.words, figure => this.enlarge(figure));
  }

  enlarge(figure) {
    this.figure = figure;
    this.show(true);
  }

  // ---------------------------------------------------------------- the bar

  drawBar() {
    const focused = this.bar.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    const titles = new Map([[0, this.words.start], ...this.steps.map(step => [step.number, step.title])]);
    const button = (name, inside, title, act) => {
      const made = make('button', { type: 'button', innerHTML: inside, title, onclick: act });
      made.dataset.name = name;
      made.setAttribute('aria-label', title);
      return made;
    };
    const dots = [...titles].map(([number, title]) => {
      const dot = button(`step-${number}`, number || icon(HOME), number ? `${number}. ${title}` : title, () => this.go(number));
      dot.className = 'presenter-dot';
      if (number === this.step) dot.setAttribute('aria-current', 'step');
      return dot;
    });
    const title = make('span', { className: 'presenter-title', textContent: titles.get(this.step) ?? '' });
    title.setAttribute('aria-live', 'polite');
    this.bar.replaceChildren(
      button('back', icon(LEFT), this.words.back, () => this.move(-1)),
      make('div', { className: 'presenter-dots' }, ...dots),
      button('next', icon(RIGHT), this.words.next, () => this.move(1)),
      title,
      button('code', this.words.share, this.words.code, () => this.ask()),
      button('leave', icon(CLOSE), this.words.leave, () => this.tell('leave', true)),
    );
    this.bar.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.bar.querySelector(`[data-name="${focused}"]`)?.focus();
  }
}

const stages = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!stages.has(parentElement)) stages.set(parentElement, new Stage(parentElement));
  const stage = stages.get(parentElement);
  stage.update(data, setTriggerValue);
  return () => {
    stage.close();
    stages.delete(parentElement);
  };
}
