export const HEADER = "Consistency-Token";

/** The same in the `extensions` of requests and answers, for sockets and streams. */
export const EXTENSION = "consistencyToken";

/** The greatest token that was seen: who sends it back reads their own writes, and never goes back in time. */
export class LatestToken {
  seen = "";

  note(token) {
    if (token > this.seen) this.seen = token;
  }

  /** Drop a token that is refused, because the store was replaced or restored: the request may be sent again. */
  heed(errors) {
    if (errors?.some(({ path, extensions }) => !path && extensions?.code === "BAD_TOKEN")) this.seen = "";
  }

  get headers() {
    return this.seen ? { [HEADER]: this.seen } : {};
  }

  get extensions() {
    return { [EXTENSION]: this.seen || null };
  }
}

/** A `fetch` that sends the latest token, and notes the one that comes back. Only a refusal brings none. */
export const echoing =
  (latest, fetch = globalThis.fetch) =>
  async (url, options = {}) => {
    const headers = new Headers(options.headers);
    for (const [name, value] of Object.entries(latest.headers)) headers.set(name, value);
    const response = await fetch(url, { ...options, headers });
    latest.note(response.headers.get(HEADER));
    const mayRefuse = !response.headers.has(HEADER) && response.headers.get("Content-Type")?.includes("json");
    if (mayRefuse) latest.heed((await response.clone().json()).errors);
    return response;
  };
