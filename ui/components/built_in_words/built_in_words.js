// Streamlit's own words in the language of the page: it has no setting for them. Only whole texts that are known, and only
// in Streamlit's own controls, are changed; what somebody typed, and our own words, are never looked at. Each node's own
// words are remembered, so that the next language starts from them. React does not notice: it compares its own words with
// its own, and where it writes new ones, those are translated in turn.

const named = names => names.map(name => `[data-testid="${name}"]`);
const TEXTS = [
  ...named(['stFileUploader', 'stCameraInput', 'stMainMenuPopover', 'stStatusWidget', 'stConnectionStatus']),
  ...named(['stAppSkeleton', 'stSkipToContent', 'InputInstructions', 'stSidebarNavViewButton', 'stDialog', 'stToast']),
  ...named(['stSelectboxVirtualDropdown', 'stMultiSelectDropdown', 'stElementToolbar', 'stTooltipContent']),
  ...named(['stTooltipErrorContent', 'stDataFrame', 'stDataFrameColumnMenu', 'stDataFrameColumnFormattingMenu']),
  ...named(['stDataFrameColumnVisibilityMenu', 'stDataFrameStatisticsMenu', 'stDataFrameTooltipContent']),
  '.plotly-notifier',
].join();
// Inside them: labels and elements of ours, names of files, icons, what can be chosen, what stands in a table.
const NOT_TEXTS = [
  ...named(['stWidgetLabel', 'stFileUploaderFileName', 'stIconMaterial']),
  '[data-testid="stDialog"] [data-testid="stElementContainer"]',
  '[role="option"][data-key]:not([data-key^="__select_"])',
  'canvas',
].join();
const ATTRIBUTES = ['aria-label', 'title', 'placeholder', 'data-title'];
const HOLDERS = ATTRIBUTES.map(name => `[${name}]`).join();
const AMONG = [
  TEXTS,
  ...named(['stSelectbox', 'stMultiSelect', 'stNumberInput', 'stTextInput', 'stTextArea']),
  ...named(['stTooltipIcon', 'stHeaderActionElements', 'stSidebarHeader', 'stSidebarCollapseButton', 'stHeader']),
  ...named(['stSidebarResizeHandle', 'stMainMenu', 'stTabsScrollLeft', 'stTabsScrollRight']),
  '.modebar-container',
].join();
const NOT_AMONG = 'canvas *, [data-tag], [data-tag] :not(button)'; // what stands in a table, and what somebody chose
const THEMSELVES = named(['stSidebar', 'stSidebarNav']).join(); // what lies in these is ours
const SVG = 'http://www.w3.org/2000/svg';

const remembered = new WeakMap(); // text node, or element → attribute → { own, shown }
let exact = new Map();
let patterns = [];
let observer = null;

function inOurLanguage(own) {
  const trimmed = own.trim();
  const whole = exact.get(trimmed);
  if (whole !== undefined) return own.replace(trimmed, () => whole);
  for (const { pattern, names, translation } of patterns) {
    const match = pattern.exec(trimmed);
    if (match) return translation.replace(/\{(\w+)\}/g, (_, name) => match[1 + names.indexOf(name)]);
  }
  return own;
}

// The words to show in place of what stands there; `memory` keeps whose words those were.
function translated(memory, there) {
  const own = memory.shown === there ? memory.own : there;
  memory.own = own;
  memory.shown = inOurLanguage(own);
  return memory.shown;
}

function onText(node) {
  if (!node.data.trim()) return;
  if (!remembered.has(node)) remembered.set(node, {});
  const words = translated(remembered.get(node), node.data);
  if (words !== node.data) node.data = words;
}

function onHolder(element) {
  for (const name of ATTRIBUTES) {
    const there = element.getAttribute(name);
    if (!there) continue;
    if (!remembered.has(element)) remembered.set(element, {});
    const memory = (remembered.get(element)[name] ??= {});
    const words = translated(memory, there);
    if (words !== there) element.setAttribute(name, words);
  }
}

function hasWords(element) {
  return element.matches(HOLDERS) && (
    element.matches(THEMSELVES) || (element.closest(AMONG) !== null && !element.matches(NOT_AMONG))
  );
}

function textsIn(root) {
  if (root.closest(NOT_TEXTS)) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, node => {
    if (node.nodeType === Node.ELEMENT_NODE && (node.namespaceURI === SVG || node.matches(NOT_TEXTS))) {
      return NodeFilter.FILTER_REJECT;
    }
    return NodeFilter.FILTER_ACCEPT;
  });
  while (walker.nextNode()) if (walker.currentNode.nodeType === Node.TEXT_NODE) onText(walker.currentNode);
}

function onElement(element) {
  if (element.closest(TEXTS)) textsIn(element);
  else for (const place of element.querySelectorAll(TEXTS)) textsIn(place);
  for (const holder of [element, ...element.querySelectorAll(HOLDERS)]) if (hasWords(holder)) onHolder(holder);
}

function onChanges(changes) {
  for (const { type, target, addedNodes } of changes) {
    if (target.namespaceURI === SVG) continue; // figures: thousands of nodes, none of them Streamlit's words
    if (type === 'attributes') {
      if (hasWords(target)) onHolder(target);
    } else if (type === 'characterData') {
      const { parentElement } = target;
      if (parentElement?.closest(TEXTS) && !parentElement.closest(NOT_TEXTS)) onText(target);
    } else {
      for (const node of addedNodes) {
        if (node.nodeType === Node.ELEMENT_NODE && node.namespaceURI !== SVG) onElement(node);
        else if (node.nodeType === Node.TEXT_NODE && target.closest(TEXTS) && !target.closest(NOT_TEXTS)) onText(node);
      }
    }
  }
}

function know(words) {
  exact = new Map();
  patterns = [];
  for (const [original, translation] of Object.entries(words)) {
    const names = [...original.matchAll(/\{(\w+)\}/g)].map(match => match[1]);
    if (!names.length) {
      exact.set(original, translation);
      continue;
    }
    const fixed = original.split(/\{\w+\}/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    patterns.push({ pattern: new RegExp(`^${fixed.join('(.+?)')}$`, 's'), names, translation });
  }
}

export default function ({ data }) {
  document.documentElement.lang = data.language;
  know(data.words);
  onElement(document.body);
  observer ??= new MutationObserver(onChanges);
  observer.disconnect();
  if (!exact.size) return; // nothing to translate from now on
  // It goes on where this component is taken away. What it writes it sees too, and finds to be what should stand there.
  observer.observe(document.body, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
  });
}
