// Photos from the clipboard and from files dropped anywhere on the page. What is too large for the server, or of a kind
// that only the browser reads, is drawn anew as a JPEG here; everything else goes as it is.

const READABLE = ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/bmp'];
const QUALITY = 0.92;

const places = new WeakMap(); // Streamlit calls again with each new word; the listeners stay

class Paste {
  constructor(root) {
    this.find = name => root.querySelector(name);
    this.listening = new AbortController();
    const on = (name, act, capture = false) =>
      document.addEventListener(name, act, { capture, signal: this.listening.signal });
    on('paste', event => this.onPaste(event));
    on('dragover', event => { if (this.isOurs(event)) event.preventDefault(); });
    on('drop', event => this.onDrop(event), true);
    on('change', event => this.onChosen(event), true);
    this.find('button').addEventListener('click', () => this.fromClipboard());
  }

  show(data, send) {
    this.data = data;
    this.send = send;
    this.find('button').textContent = data.words.button;
    this.find('.hint').textContent = data.words.hint;
  }

  say(text) {
    this.find('.said').textContent = text;
  }

  onPaste(event) {
    const target = event.composedPath()[0];
    if (target.closest?.('input, textarea, [contenteditable]')) return;
    const files = [...event.clipboardData.files].filter(file => file.type.startsWith('image/'));
    if (!files.length) return;
    event.preventDefault();
    this.bring(files, true);
  }

  // Ours is a drag of files that no uploader waits for: left to itself the browser would leave the page for the file.
  isOurs(event) {
    const inUploader = event.target.closest?.('[data-testid="stFileUploaderDropzone"]');
    return !inUploader && event.dataTransfer?.types.includes('Files');
  }

  onDrop(event) {
    const files = [...event.dataTransfer?.files ?? []];
    if (this.isOurs(event)) {
      event.preventDefault();
      this.bring(files, false);
    } else if (event.target.closest?.(this.data.uploader)) {
      this.bring(files.filter(file => file.size > this.data.limits.upload), false);
    }
  }

  onChosen(event) {
    if (event.target.type !== 'file' || !event.target.closest(this.data.uploader)) return;
    this.bring([...event.target.files].filter(file => file.size > this.data.limits.upload), false);
  }

  async fromClipboard() {
    const { words } = this.data;
    let items;
    try {
      items = await navigator.clipboard.read();
    } catch {
      this.say(words.closed); // no https, or the visitor or the browser said no
      return;
    }
    const files = [];
    for (const item of items) {
      const type = READABLE.find(kind => item.types.includes(kind));
      if (type) files.push(await item.getType(type));
    }
    if (files.length) this.bring(files, true);
    else this.say(words.nothing);
  }

  async bring(files, pasted) {
    if (!files.length) return;
    const { words } = this.data;
    this.say(words.working);
    const sent = [];
    const unreadable = [];
    for (const file of files) {
      const name = pasted ? '' : file.name;
      const ready = await this.prepared(file);
      if (ready) sent.push({ name, pasted, from: ready.from, data: await base64(ready.blob) });
      else unreadable.push(name || words.pasted);
    }
    this.say(unreadable.map(name => words.unreadable.replace('{name}', name)).join(' '));
    if (sent.length) this.send('arrived', sent);
  }

  // What is to be sent for a file, and its size if it was made smaller; null for one that is too large and no picture.
  async prepared(file) {
    const { limits } = this.data;
    let picture = null;
    try {
      picture = await createImageBitmap(file);
    } catch {
      return file.size > limits.bytes ? null : { blob: file }; // the server says what is wrong with it
    }
    const { width, height } = picture;
    const large = file.size > limits.bytes || width * height > limits.pixels;
    if (!large && READABLE.includes(file.type)) return { blob: file };
    const scale = large ? Math.min(1, limits.side / Math.max(width, height)) : 1;
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const pen = canvas.getContext('2d');
    pen.fillStyle = '#fff'; // as the server does: what is transparent lies on white
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise(done => { canvas.toBlob(done, 'image/jpeg', QUALITY); });
    return { blob, from: scale < 1 ? [width, height] : undefined };
  }
}

function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!places.has(parentElement)) places.set(parentElement, new Paste(parentElement));
  places.get(parentElement).show(data, setTriggerValue);
  return () => {
    places.get(parentElement)?.listening.abort();
    places.delete(parentElement);
  };
}
