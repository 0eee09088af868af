// What an entry of the table of options says, in the words that several generated files need.

/** The name in the server: that of the flag in camel case. */
export function nameOf({ path, flag }) {
  return flag ?? path.slice(path.lastIndexOf('.') + 1);
}

/** `static` of `static.cleanUrls`; empty for an option without a group. */
export function groupOf({ path }) {
  return path.includes('.') ? path.slice(0, path.indexOf('.')) : '';
}

/** `cleanUrls` of `static.cleanUrls`. */
export function keyOf({ path }) {
  return path.slice(path.indexOf('.') + 1);
}

export function kebab(name) {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Whether `taker` takes it: `serve`, `load`, `command`. */
export function isTakenBy({ takers = ['serve', 'command'] }, taker) {
  return takers.includes(taker);
}

/** The default as people write it; empty: there is none, or it says nothing. */
export function defaultText({ default: value, kind }) {
  if (value === undefined || value === '') return '';
  // Ports and other numbers without a unit that people know by their digits.
  if (typeof value === 'number')
    return value < 10_000 && kind.unit === undefined ? String(value) : value.toLocaleString('en-US');
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'none' : JSON.stringify(value);
  return String(value);
}

/** A help text as a sentence. */
export function sentence(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** The numbers that are allowed, and their unit; empty: it is no number. */
export function rangeText({ kind: { range, unit } }) {
  if (range === undefined) return '';
  const [min, max] = range.map((number) => number.toLocaleString('en-US'));
  return `${min} to ${max}${unit === undefined ? '' : ` ${unit}`}`;
}
