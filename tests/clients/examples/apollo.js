import { ApolloLink } from "@apollo/client";
import { tap } from "rxjs";
import { HEADER } from "./latest-token.js";

/** Goes before the `HttpLink`. */
export const consistencyLink = (latest) =>
  new ApolloLink((operation, forward) => {
    operation.setContext(({ headers }) => ({ headers: { ...headers, ...latest.headers } }));
    return forward(operation).pipe(
      tap(() => latest.note(operation.getContext().response?.headers.get(HEADER))),
    );
  });
