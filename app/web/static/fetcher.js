// Queries and mutations go by POST, subscriptions by graphql-transport-ws.

const TOKEN = "Consistency-Token";
const MESSAGES_KEPT = 20;

/**
 * Makes the function that GraphiQL sends operations with. Each request carries the token of the last answer,
 * so the playground reads its own writes. `onAnswer(answer, token)` hears of every answer and every message.
 */
export function createFetcher(url, onAnswer) {
  const socketUrl = new URL(url);
  socketUrl.protocol = socketUrl.protocol.replace("http", "ws");
  const socket = graphqlWs.createClient({
    url: socketUrl.href,
    retryAttempts: 0, // what was missed in between would be lost without a word
  });
  let token = null;

  async function post(params, kind, headers) {
    const carried = token;
    const response = await fetch(url, {
      method: "POST",
      headers: {
        Accept: "application/graphql-response+json, application/json;q=0.9",
        "Content-Type": "application/json",
        ...(carried && { [TOKEN]: carried }),
        ...headers,
      },
      body: JSON.stringify(params),
    }).catch((reason) => {
      throw new Error(`The service gave no answer (${reason.message}): is it running?`);
    });
    const answer = await readAnswer(response);
    if (answer.errors?.some((error) => error.extensions?.code === "BAD_TOKEN")) {
      token = null; // the store behind the service was replaced: start afresh
    } else {
      // Of two tokens the later is the greater text: a slow query that was overtaken by a mutation
      // must not bring back the time before it.
      const answered = response.headers.get(TOKEN) ?? "";
      token = answered > (token ?? "") ? answered : token;
    }
    onAnswer(answer, token);
    return answer;
  }

  // GraphiQL shows one answer at a time; a subscription's is the list of its latest messages.
  function subscribe(params) {
    return {
      subscribe(observer) {
        let received = 0;
        let newestFirst = [];
        const unsubscribe = socket.subscribe(params, {
          next(message) {
            received += 1;
            newestFirst = [message, ...newestFirst].slice(0, MESSAGES_KEPT);
            onAnswer(message, token);
            observer.next({ received, newestFirst });
          },
          error(reason) {
            observer.next({ ...failure(reason), received, newestFirst });
            observer.complete();
          },
          complete: () => observer.complete(),
        });
        return { unsubscribe };
      },
    };
  }

  return async (asked, { headers } = {}) => {
    const { params, kind } = identify(asked);
    try {
      return kind === "subscription" ? subscribe(params) : await post(params, kind, headers);
    } catch (reason) {
      return failure(reason);
    }
  };
}

/** Tells the kind of an operation; its text decides, since GraphiQL still names that of a tab just left. */
function identify(params) {
  const operations = operationsIn(params.query);
  const only = operations.length === 1 ? operations[0] : undefined;
  const chosen = only ?? operations.find(({ name }) => name?.value === params.operationName);
  return {
    params: only ? { ...params, operationName: only.name?.value } : params,
    kind: chosen?.operation ?? "query",
  };
}

function operationsIn(query) {
  try {
    return GraphiQL.GraphQL.parse(query).definitions.filter(({ kind }) => kind === "OperationDefinition");
  } catch {
    return []; // the service explains better what is wrong
  }
}

async function readAnswer(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The service answered ${response.status} without JSON: ${text.slice(0, 200) || "(empty)"}`);
  }
}

/** Makes an answer of whatever went wrong: GraphQL errors, a closed socket or an exception. */
function failure(reason) {
  if (Array.isArray(reason)) return { errors: reason };
  if (reason instanceof CloseEvent) {
    const why = [reason.code, reason.reason].filter(Boolean).join(" ");
    return { errors: [{ message: `The connection to the service was closed (${why}): is it running?` }] };
  }
  return { errors: [{ message: reason.message ?? "The service gave no answer: is it running?" }] };
}
