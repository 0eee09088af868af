// The message for a request that exceeds a limit. It names the option, so that the operator can raise it.

/** `the body is too large: maxBodyBytes is 1000 (raise it with --max-body-bytes)`. */
export function limitProblem(problem: string, option: string, value: number): string {
  const flag = option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  // In code and in configuration files, `timeouts` is a group of its own.
  const name = option.endsWith('Ms') ? `timeouts.${option.replace('Timeout', '')}` : option;
  return `${problem}: ${name} is ${value} (raise it with --${flag})`;
}
