import { refusesToken, type Result } from "./client.js";

export const HEADER = "Consistency-Token";

/** The key of the token in the `extensions` of requests and answers. */
export const EXTENSION = "consistencyToken";

/**
 * The greatest token that was seen. A client that sends it back reads its own writes, and never goes back in time.
 *
 * Share one among all clients of a page. To go on after a reload, keep `seen` and pass it to the constructor, and with it
 * what to do when the service's store was replaced or restored: read again what the page shows.
 */
export class LatestToken {
  constructor(
    public seen = "",
    private readonly replaced: () => void = () => {},
  ) {}

  /** The number of mutations that were answered: what a query asked for before may lack their commands. */
  written = 0;

  /** Note a token that came with an answer, unless a later one was seen. */
  note(token: unknown, { ofMutation = false } = {}): void {
    if (ofMutation) this.written += 1;
    if (typeof token === "string" && token > this.seen) this.seen = token;
  }

  /** Drop the token, as if none had been seen. */
  drop(): void {
    this.seen = "";
  }

  /**
   * Drop a token that the service refuses, because it is of a store that was replaced or restored. Return whether to send
   * the request again, which the service has not carried out: not if it had no token.
   */
  refused(sent: string): boolean {
    if (sent && sent === this.seen) {
      this.drop();
      this.replaced();
    }
    return sent !== "";
  }

  get headers(): Record<string, string> {
    return this.seen ? { [HEADER]: this.seen } : {};
  }

  get extensions(): Record<string, string | null> {
    return { [EXTENSION]: this.seen || null };
  }
}

/** Return whether an answer, of which this does not take the body, refuses the token that was sent. */
const isRefusal = async (response: Response): Promise<boolean> => {
  // Every answer brings a token, unless it is a refusal; and a stream of answers is left alone.
  if (response.headers.has(HEADER) || !response.headers.get("Content-Type")?.includes("json")) return false;
  const result = (await response.clone().json().catch(() => undefined)) as Result | undefined;
  return refusesToken(result?.errors);
};

/**
 * Return a `fetch` that sends the latest token, notes the one that comes back, and asks again if it is refused. Of a
 * `Request` it sends copies.
 */
export const echoing =
  (
    latest: LatestToken,
    fetch: typeof globalThis.fetch = globalThis.fetch,
    { ofMutation = false } = {},
  ): typeof globalThis.fetch =>
  async (input, init) => {
    for (;;) {
      const sent = latest.seen;
      const request = input instanceof Request ? input.clone() : input;
      const headers = new Headers(init?.headers ?? (request instanceof Request ? request.headers : undefined));
      for (const [name, value] of Object.entries(latest.headers)) headers.set(name, value);
      const response = await fetch(request, { ...init, headers });
      latest.note(response.headers.get(HEADER), { ofMutation });
      if (!(await isRefusal(response)) || !latest.refused(sent)) return response;
    }
  };
