// What graphql-eslint asks of schema/schema.graphql; every exception has its reason.
import { readFileSync } from "node:fs";
import graphql from "@graphql-eslint/eslint-plugin";
import { buildSchema, isObjectType } from "graphql";

const schema = "../../schema/schema.graphql";

// Only what can be fetched again by its id is a Node; all other types are values, parts of what holds them.
const values = Object.values(buildSchema(readFileSync(schema, "utf8")).getTypeMap())
  .filter((type) => isObjectType(type) && type.getInterfaces().every(({ name }) => name !== "Node"))
  .map(({ name }) => name);

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      ...graphql.configs["flat/schema-relay"].rules,
      "@graphql-eslint/input-name": ["error", { checkInputType: true, caseSensitiveInputType: false }],
      "@graphql-eslint/no-scalar-result-type-on-mutation": "error",
      "@graphql-eslint/strict-id-in-types": ["error", { exceptions: { types: values } }],
      "@graphql-eslint/relay-edge-types": [
        "error",
        {
          shouldImplementNode: false, // a day of `Sales.byDay` is a row of a report, and nothing to fetch by an id
          listTypeCanWrapOnlyEdgeType: false, // an order's lines need no pages; connections have `nodes` for the hasty
        },
      ],
    },
  },
];
