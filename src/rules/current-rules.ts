// The rules of a server as they are now: those of options, and those of files in roots, which may change.

import type { Plan } from './plan.ts';
import type { RequestPlace, RuleIndex } from './rule-index.ts';
import { type PartsContext, watch } from './rule-parts.ts';
import { type WatchedFile, watchedText } from './watched-file.ts';

/** `textOf`: the text of a file by its path. @throws Error: the rules are not valid together. */
type Compile = (textOf: (path: string) => string) => RuleIndex<Plan>;

export class CurrentRules {
  /** The files whose changes matter. */
  readonly files: readonly WatchedFile[];
  readonly #compile: Compile;
  readonly #texts = new Map<string, string>();
  #index: RuleIndex<Plan>;

  /** `paths`: files of roots, which need not exist. @throws as `compile` does, or that a file cannot be read. */
  constructor(paths: readonly string[], compile: Compile, context: PartsContext) {
    this.#compile = compile;
    this.files = paths.map((path) =>
      watch(path, '--site-files', (content) => this.#take(path, content === null ? '' : watchedText(content)), context),
    );
    this.#index = this.#compiled();
  }

  /** The plan of a request; null: no rule is for it. */
  find(request: RequestPlace): Plan | null {
    return this.#index.find(request);
  }

  /** After an error the earlier text stays in use, so that another file can change without this one. */
  #take(path: string, text: string): void {
    const before = this.#texts.get(path);
    this.#texts.set(path, text);
    if (before === undefined || before === text) return;
    try {
      this.#index = this.#compiled();
    } catch (error) {
      this.#texts.set(path, before);
      throw error;
    }
  }

  #compiled(): RuleIndex<Plan> {
    return this.#compile((path) => this.#texts.get(path) ?? '');
  }
}
