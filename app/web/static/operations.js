// The kind and the name of an operation, from its text.

/**
 * Return what to send, and the kind and the name of the operation. Its text decides: after a change of tabs GraphiQL
 * still gives the name of the operation in the tab before.
 */
export function identify(params) {
  const operations = operationsIn(params.query);
  const only = operations.length === 1 ? operations[0] : undefined;
  const chosen = only ?? operations.find(({ name }) => name?.value === params.operationName);
  return {
    params: only ? { ...params, operationName: only.name?.value } : params,
    kind: chosen?.operation ?? "query",
    name: chosen?.name?.value,
  };
}

function operationsIn(query) {
  try {
    return GraphiQL.GraphQL.parse(query).definitions.filter(({ kind }) => kind === "OperationDefinition");
  } catch {
    return []; // the service explains better what is wrong
  }
}
