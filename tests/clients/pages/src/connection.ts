// What the pages share: the latest token, which outlives a page, and one websocket for subscriptions.
import { consistent, LatestToken, resuming } from "diptych-client";
import { createClient } from "graphql-ws";

export const url = "/graphql";

const KEY = "consistency-token";
export const latest = new LatestToken(sessionStorage.getItem(KEY) ?? "");
addEventListener("pagehide", () => sessionStorage.setItem(KEY, latest.seen));

const socket = createClient({
  url: location.origin.replace("http", "ws") + url,
  retryAttempts: Infinity,
  shouldRetry: () => true,
});
export const sockets = resuming(consistent(socket, latest));
