// A link, a button that copies it, and its code. The clipboard proper is closed to pages without https, as in most lecture halls:
// there the older command still works on what is selected.

const SAID = 1800; // ms that "copied" stands on the button

async function copy(field) {
  if (window.isSecureContext && navigator.clipboard) {
    await navigator.clipboard.writeText(field.value);
    return;
  }
  field.focus();
  field.select();
  if (!document.execCommand('copy')) throw new Error('the browser refused to copy');
}

export default function ({ data, parentElement }) {
  const field = parentElement.querySelector('input');
  const button = parentElement.querySelector('button');
  field.value = data.link;
  field.setAttribute('aria-label', data.label);
  field.onfocus = () => field.select();
  const code = parentElement.querySelector('.code');
  code.innerHTML = data.code;
  code.setAttribute('aria-label', data.described);
  button.textContent = data.copy;
  button.setAttribute('aria-live', 'polite');
  button.onclick = async () => {
    try {
      await copy(field);
      button.textContent = data.copied;
      setTimeout(() => { button.textContent = data.copy; }, SAID);
    } catch {
      field.select(); // left selected, so that the keys for copying do the rest
    }
  };
}
