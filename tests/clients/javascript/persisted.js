// Apollo Client with its persisted-queries link: `node persisted.js http://127.0.0.1:8000/graphql 3` asks so many
// times, and writes what was sent each time: {"sent": ["hash", "hash and text"], "data": {…}}.
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { parse } from "graphql";

const [url, times] = process.argv.slice(2);
const sent = [];
const fetching = (uri, options) => {
  sent.push(JSON.parse(options.body).query ? "hash and text" : "hash");
  return fetch(uri, options);
};
const client = new ApolloClient({
  link: ApolloLink.from([
    new PersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex") }),
    new HttpLink({ uri: url, fetch: fetching }),
  ]),
  cache: new InMemoryCache(),
  defaultOptions: { query: { fetchPolicy: "network-only" } },
});
const query = parse("query Persisted { products { totalCount } }");
for (let time = 0; time < Number(times); time += 1) {
  try {
    const { data } = await client.query({ query });
    console.log(JSON.stringify({ sent: sent.splice(0), data }));
  } catch (error) {
    console.log(JSON.stringify({ sent: sent.splice(0), error: error.message }));
  }
}
