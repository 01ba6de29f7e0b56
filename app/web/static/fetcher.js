// The playground's transport: POST for queries and mutations, graphql-transport-ws for subscriptions.

import { accessToken, onAccessChange } from "./access.js";

const TOKEN = "Consistency-Token";
const FORBIDDEN = 4403; // the close code of a socket whose token is not valid, or no longer

/**
 * Return the functions that send operations. Each request carries the consistency token of the last response, which
 * `token()` returns, so that the playground reads its own writes.
 */
export function createTransport(url) {
  const socketUrl = new URL(url);
  socketUrl.protocol = socketUrl.protocol.replace("http", "ws");
  let socket = connect();
  let token = null;
  onAccessChange(() => {
    socket = connect(); // the earlier one closes itself when the last of its subscriptions has ended
  });

  function connect() {
    const access = accessToken();
    return graphqlWs.createClient({
      url: socketUrl.href,
      connectionParams: access ? { Authorization: `Bearer ${access}` } : undefined,
      retryAttempts: 0, // a reconnected subscription would silently miss the messages in between
    });
  }

  /** Send a query or a mutation; return its response, or an error in the shape of one. */
  async function post(params, headers) {
    try {
      return await request(params, headers);
    } catch (reason) {
      return failure(reason);
    }
  }

  async function request(params, headers) {
    const carried = token;
    const access = accessToken();
    const response = await fetch(url, {
      method: "POST",
      headers: {
        Accept: "application/graphql-response+json, application/json;q=0.9",
        "Content-Type": "application/json",
        ...(carried && { [TOKEN]: carried }),
        ...(access && { Authorization: `Bearer ${access}` }),
        ...headers,
      },
      body: JSON.stringify(params),
    }).catch((reason) => {
      throw new Error(`The service gave no answer (${reason.message}): is it running?`);
    });
    const answer = await readAnswer(response);
    if (answer.errors?.some((error) => error.extensions?.code === "BAD_TOKEN")) {
      token = null; // the service has another store now, in which the token is not valid
    } else {
      // Later tokens are greater as text. The response of a slow query must not replace the token of a mutation
      // that was sent after it.
      const answered = response.headers.get(TOKEN) ?? "";
      token = answered > (token ?? "") ? answered : token;
    }
    return answer;
  }

  return {
    post,
    /** Start a subscription; return the function that ends it. */
    subscribe: (params, sink) => socket.subscribe(params, sink),
    token: () => token,
  };
}

async function readAnswer(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The service answered ${response.status} without JSON: ${text.slice(0, 200) || "(empty)"}`);
  }
}

/** Return a response with errors for GraphQL errors, a closed socket or an exception. */
export function failure(reason) {
  if (Array.isArray(reason)) return { errors: reason };
  if (reason instanceof CloseEvent) {
    if (reason.code === FORBIDDEN) return { errors: [{ message: reason.reason }] };
    const why = [reason.code, reason.reason].filter(Boolean).join(" ");
    return { errors: [{ message: `The connection to the service was closed (${why}): is it running?` }] };
  }
  return { errors: [{ message: reason.message ?? "The service gave no answer: is it running?" }] };
}
