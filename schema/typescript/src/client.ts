/** What clients of graphql-ws and graphql-sse have in common. */
export interface SubscriptionClient {
  subscribe(operation: Operation, sink: Sink): () => void;
  iterate?(operation: Operation): AsyncIterableIterator<unknown>;
}

/**
 * An operation by its text, or by its id in the service's manifest. By its id it is taken for a subscription, and has an
 * empty text: graphql-ws sends none without.
 */
export interface Operation {
  query: string;
  documentId?: string | undefined;
  operationName?: string | null | undefined;
  variables?: Record<string, unknown> | null | undefined;
  extensions?: Record<string, unknown> | null | undefined;
}

export interface Failure {
  message: string;
  path?: readonly (string | number)[] | undefined;
  extensions?: { [name: string]: unknown } | undefined;
}

export interface Result {
  data?: unknown;
  errors?: readonly Failure[];
  extensions?: { [name: string]: unknown };
}

export interface Sink {
  next(result: Result): void;
  error(reason: unknown): void;
  complete(): void;
}

/** Codes of faults that pass: the operation may be sent again. Every other error is a refusal. */
const PASSING: readonly unknown[] = [
  "SERVICE_STOPPING",
  "READ_MODEL_BEHIND",
  "READ_STORE_UNAVAILABLE",
  "WRITE_STORE_UNAVAILABLE",
];

/** Return whether an operation that failed with this error may be sent again. */
export const passes = ({ extensions }: Failure): boolean => {
  const freshness = extensions?.["freshness"] as { state?: unknown } | undefined;
  return PASSING.includes(extensions?.["code"]) && freshness?.state !== "FAILED";
};

const isBadToken = ({ extensions }: Failure): boolean => extensions?.["code"] === "BAD_TOKEN";

/** Return whether errors say that the token of the request is not of the store that answers. */
export const refusesToken = (errors: readonly Failure[] | undefined): boolean =>
  !!errors?.some((error) => isBadToken(error) && !error.path);

/** Return whether errors say that the cursor of a subscription is not of the store that answers. */
export const refusesCursor = (errors: readonly Failure[] | undefined): boolean =>
  !!errors?.some((error) => isBadToken(error) && error.path?.length === 1);

/** Return whether a result has no item, because the subscription itself failed, and not a field of one item. */
export const hasFailed = ({ data, errors }: Result): boolean =>
  !!errors && !data && (errors.every(passes) || errors.some(({ path }) => !path || path.length < 2));

/** Return the cursor in a result of a subscription that selects `cursor`. */
export const cursorIn = ({ data }: Result): string | undefined => {
  const [item] = Object.values((data ?? {}) as Record<string, { cursor?: string } | null>);
  return item?.cursor;
};
