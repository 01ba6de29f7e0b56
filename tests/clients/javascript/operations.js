import { readFileSync } from "node:fs";
import { parse, print } from "graphql";

const { definitions } = parse(readFileSync(new URL("../operations.graphql", import.meta.url), "utf8"));

/** The operations by name: each a document of its own. */
export const documents = Object.fromEntries(
  definitions.map((definition) => [definition.name.value, { kind: "Document", definitions: [definition] }]),
);

/** The same as text. */
export const texts = Object.fromEntries(
  Object.entries(documents).map(([name, document]) => [name, print(document)]),
);

/** A result's data; throws its errors. */
export const dataOf = ({ data, errors }) => {
  if (errors) throw new Error(errors.map(({ message }) => message).join("\n"));
  return data;
};
