// What a request head may contain beside its grammar. A server for applications of node:http accepts more.

export interface HeadRules {
  /** The only methods that are served, in capital letters; others get 400. Null: all. */
  readonly methods: ReadonlySet<string> | null;
  /** TRACE and CONNECT are passed on. Otherwise they get 501. */
  readonly servesAllMethods: boolean;
  /** HTTP/1.1 requires Host. Otherwise a request without it is passed on. */
  readonly requiresHost: boolean;
  /** Host may have any value. Otherwise one that names no host gets 400. */
  readonly acceptsAnyHost: boolean;
  /** Expect may have any value. Otherwise one other than `100-continue` gets 417. */
  readonly acceptsAnyExpectation: boolean;
}

export const STRICT_RULES: HeadRules = {
  methods: null,
  servesAllMethods: false,
  requiresHost: true,
  acceptsAnyHost: false,
  acceptsAnyExpectation: false,
};
