// The page's way to the service: its operations are documents that the service knows by their ids.

import { accessToken } from "./access.js";

const PATIENCE = 5000; // milliseconds until an answer is given up

const KINDS = { UNAUTHENTICATED: "denied", FORBIDDEN: "denied", THROTTLED: "throttled" };

/** The reason for which there is no answer; `kind` is "denied", "throttled", "refused" or "away". */
export class NoAnswer extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Return the data of an operation; throw `NoAnswer` if there is none, or if a part of it is missing. */
export async function ask(document, variables) {
  const access = accessToken();
  let answer;
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        ...(access && { Authorization: `Bearer ${access}` }),
      },
      body: JSON.stringify({ documentId: `admin-${document}`, variables }),
      signal: AbortSignal.timeout(PATIENCE),
    });
    answer = await response.json();
  } catch (reason) {
    throw new NoAnswer("away", `The service gives no answer (${reason.message}). Is it running?`);
  }
  const [error] = answer.errors ?? [];
  if (error) throw new NoAnswer(KINDS[error.extensions?.code] ?? "refused", error.message);
  return answer.data;
}
