import { parse } from "graphql";

const CASCADE = "cascade { changed { type nodeId } removed { type nodeId } fields { type name } }";

/** The mutation that sends a command, with or without its cascade. */
export const mutation = (name, cascade) => {
  const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  return parse(`mutation ($input: ${type}!) { ${name}(input: $input) {
    ${cascade ? CASCADE : ""} errors { message } } }`);
};

/** Throw the refusal of a command. */
export const accepted = (payload) => {
  if (payload.errors.length) throw new Error(JSON.stringify(payload.errors));
};
