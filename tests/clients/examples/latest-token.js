export const HEADER = "Consistency-Token";

/** The same in the `extensions` of requests and answers, for sockets and streams. */
export const EXTENSION = "consistencyToken";

/** The greatest token that was seen: who sends it back reads their own writes, and never goes back in time. */
export class LatestToken {
  seen = "";

  note(token) {
    if (token > this.seen) this.seen = token;
  }

  get headers() {
    return this.seen ? { [HEADER]: this.seen } : {};
  }

  get extensions() {
    return { [EXTENSION]: this.seen || null };
  }
}

/** A `fetch` that sends the latest token, and notes the one that comes back. */
export const echoing =
  (latest, fetch = globalThis.fetch) =>
  async (url, options) => {
    const response = await fetch(url, { ...options, headers: { ...options.headers, ...latest.headers } });
    latest.note(response.headers.get(HEADER));
    return response;
  };
