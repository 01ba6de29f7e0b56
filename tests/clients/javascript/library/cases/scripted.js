/** A client like that of graphql-ws that notes what it sends, and whose answers come from `answer(operation, sink)`. */
export const scripted = (answer) => {
  const sent = [];
  const client = {
    left: 0,
    sent,
    subscribe(operation, sink) {
      sent.push(structuredClone(operation));
      void Promise.resolve().then(() => answer(operation, sink));
      return () => {
        client.left += 1;
        sink.complete();
      };
    },
    iterate() {
      throw new Error("This goes past the token.");
    },
  };
  return client;
};
