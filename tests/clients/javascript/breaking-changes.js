// Prints what would break the clients of the last release, and fails if there is anything.
import { readFileSync } from "node:fs";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const [released, current] = process.argv.slice(2).map((path) => buildSchema(readFileSync(path, "utf8")));
const changes = await diff(released, current);
const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
for (const { message, path } of breaking) console.log(`${path}: ${message}`);
process.exitCode = breaking.length ? 1 : 0;
