// Detection of an operation's kind and name from its text.

/**
 * Return the parameters to send, and the operation's kind and name. The name comes from the text, because after a
 * change of tabs GraphiQL still gives the name of the operation in the previous tab.
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
    return []; // the service returns a better error message
  }
}
