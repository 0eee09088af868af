// The text for a client whose request goes beyond a limit: it names the option, so that its reader can raise it.

/** `the body is too large: maxBodyBytes is 1000 (raise it with --max-body-bytes)`. */
export function limitProblem(problem: string, option: string, value: number): string {
  const flag = option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `${problem}: ${option} is ${value} (raise it with --${flag})`;
}
