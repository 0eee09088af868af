// Writes a number of things in messages.

/** `1 line`, `3 lines`. `nouns`: the plural, where it takes more than an `s`. */
export function countText(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
