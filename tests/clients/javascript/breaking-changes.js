// Prints what may break clients of the last release, and fails if there is anything:
//   node breaking-changes.js released.graphql current.graphql harmless-changes.txt
import { readFileSync } from "node:fs";
import { ChangeType, CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const [released, current, harmless] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const listed = new Set(harmless.split("\n").filter((line) => line && !line.startsWith("#")));

/** What clients of the last release leave out; one that they had to send is breaking, and not dangerous. */
const MAY_BE_LEFT_OUT = [ChangeType.FieldArgumentAdded, ChangeType.InputFieldAdded];

/** A directive on a field is documentation: introspection does not show it, and clients do not send it. */
const SAYS_NOTHING_TO_CLIENTS = [ChangeType.DirectiveUsageFieldDefinitionAdded];

const changes = (await diff(buildSchema(released), buildSchema(current)))
  .filter(
    ({ type, criticality: { level } }) =>
      level === CriticalityLevel.Breaking ||
      (level === CriticalityLevel.Dangerous && ![...MAY_BE_LEFT_OUT, ...SAYS_NOTHING_TO_CLIENTS].includes(type)),
  )
  .map(({ path, message }) => `${path}: ${message}`);
const refused = [
  ...changes.filter((change) => !listed.has(change)),
  ...[...listed].filter((change) => !changes.includes(change)).map((change) => `${change} (is listed, and no change)`),
];
for (const change of refused) console.log(change);
process.exitCode = refused.length ? 1 : 0;
