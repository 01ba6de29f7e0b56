import { createClient } from "graphql-ws";
import { resuming } from "../examples/resuming.js";

/** What carries the subscriptions of Apollo, urql and Relay. */
export const sockets = (url) =>
  resuming(
    createClient({
      url: url.replace("http", "ws"),
      retryAttempts: Infinity,
      retryWait: soon,
      shouldRetry: () => true, // by default a refused connection, such as that of a restart, is the end
    }),
    { pause: 50 },
  );

export const soon = () => new Promise((resolve) => setTimeout(resolve, 50));
