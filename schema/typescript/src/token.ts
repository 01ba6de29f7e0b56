export const HEADER = "Consistency-Token";

/** The key of the token in the `extensions` of requests and answers. */
export const EXTENSION = "consistencyToken";

/**
 * The greatest token that was seen. A client that sends it back reads its own writes, and never goes back in time.
 *
 * Share one among all clients of a page. To go on after a reload, keep `seen` and pass it to the constructor.
 */
export class LatestToken {
  constructor(public seen = "") {}

  /** Note a token that came with an answer, unless a later one was seen. */
  note(token: unknown): void {
    if (typeof token === "string" && token > this.seen) this.seen = token;
  }

  /** Drop a token that the service refuses with `BAD_TOKEN`, because its store was replaced or restored. */
  drop(): void {
    this.seen = "";
  }

  get headers(): Record<string, string> {
    return this.seen ? { [HEADER]: this.seen } : {};
  }

  get extensions(): Record<string, string | null> {
    return { [EXTENSION]: this.seen || null };
  }
}

/** Return a `fetch` that sends the latest token, and notes the one that comes back. */
export const echoing =
  (latest: LatestToken, fetch: typeof globalThis.fetch = globalThis.fetch): typeof globalThis.fetch =>
  async (input, init) => {
    const headers = new Headers(init?.headers);
    for (const [name, value] of Object.entries(latest.headers)) headers.set(name, value);
    const response = await fetch(input, { ...init, headers });
    latest.note(response.headers.get(HEADER));
    return response;
  };
