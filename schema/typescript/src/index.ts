export { cascadesIn, type Cascade, type CascadeField, type CascadeNode } from "./cascade.js";
export { cursorIn, passes, type Failure, type Operation, type Result, type Sink, type SubscriptionClient } from "./client.js";
export { keeping, updated, type EdgeIn, type List, type ListData, type ListFields, type ListUpdate } from "./live-list.js";
export { consistent, resultOf, resuming } from "./subscriptions.js";
export { echoing, EXTENSION, HEADER, LatestToken } from "./token.js";
