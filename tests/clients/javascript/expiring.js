// Follows a subscription with graphql-ws as it is, with a token of two seconds for each connection:
// `node expiring.js URL SECRET EXPIRIES`. It says `expired` for each token, and `received` for an item after the last.

import { createClient } from "graphql-ws";
import { SignJWT } from "jose";

const [url, secret, expiries] = process.argv.slice(2);
const LEEWAY = 5; // seconds that the service grants
let closed = 0;

const client = createClient({
  url,
  retryWait: async () => {},
  connectionParams: async () => {
    const life = closed < expiries ? 2 - LEEWAY : 600;
    const exp = Math.floor(Date.now() / 1000) + life;
    const token = await new SignJWT({ roles: ["staff"], sub: "clerk", exp })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(secret));
    return { Authorization: `Bearer ${token}` };
  },
  on: {
    closed: ({ code }) => {
      closed += code === 4403;
      console.log(code === 4403 ? "expired" : `closed ${code}`);
    },
  },
});

for await (const { data } of client.iterate({ query: "subscription { readModelUpdates { __typename } }" })) {
  if (closed >= expiries && data.readModelUpdates) break;
}
console.log("received");
await client.dispose();
