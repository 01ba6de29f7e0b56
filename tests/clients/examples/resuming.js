/**
 * A client of graphql-ws or graphql-sse whose subscriptions go on where they were when the connection is back.
 *
 * Both send a subscription's variables anew when they reconnect: so keep the last item's cursor in `after`.
 */
export const resuming = (client) => ({
  ...client,
  subscribe(operation, sink, ...more) {
    const variables = { ...operation.variables };
    const next = (result) => {
      const [item] = Object.values(result.data ?? {});
      if (item?.cursor) variables.after = item.cursor;
      sink.next(result);
    };
    return client.subscribe({ ...operation, variables }, { ...sink, next }, ...more);
  },
});
