// Audits the GraphQL endpoint at the URL given: one line for each check; exits with 1 unless all are met.
import { serverAudits } from "graphql-http";

const url = process.argv[2];
const results = await Promise.all(serverAudits({ url }).map(({ fn }) => fn()));
for (const { status, id, name, reason } of results) {
  console.log([status, id, name, reason && `(${reason})`].filter(Boolean).join(" "));
}
process.exitCode = results.every(({ status }) => status === "ok") ? 0 : 1;
