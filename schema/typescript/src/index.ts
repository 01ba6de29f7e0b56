export { cursorIn, passes, type Failure, type Operation, type Result, type Sink, type SubscriptionClient } from "./client.js";
export { consistent, resultOf, resuming } from "./subscriptions.js";
export { echoing, EXTENSION, HEADER, LatestToken } from "./token.js";
