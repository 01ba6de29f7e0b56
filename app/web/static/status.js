// The status line: the outcome of the last operation, running subscriptions, the freshness of the read models, and the
// token for the next request.

const outcome = document.querySelector("#outcome");
const watching = document.querySelector("#watching");
const freshness = document.querySelector("#freshness");
const token = document.querySelector("#token");
const watches = new Map();

/** Show the outcome of a query or a mutation. */
export function answered(answer, { kind, milliseconds, token: next }) {
  const took = `in ${Math.round(milliseconds)} ms`;
  say(...(failed(answer) ?? refused(answer, kind) ?? ["fresh", `${kind === "mutation" ? "Accepted" : "Answered"} ${took}`]));
  showFreshness(answer);
  token.hidden = !next;
  token.title = next ?? "";
  token.querySelector("code").textContent = next ?? "";
}

/** Show the reason why an operation was not sent. */
export function notSent(reason) {
  say("failed", reason);
}

/** Show that a subscription was started in a tab. */
export function started(tab, watch) {
  watches.set(tab, watch);
  say("fresh", `${watch.name} started`);
  showWatches();
}

/** Show that a subscription has received a message. */
export function received(tab, watch, message) {
  const problem = failed(message);
  if (problem) say(...problem);
  showFreshness(message);
  showWatches();
}

/** Show that the user has stopped a subscription. */
export function stopped(tab, watch) {
  watches.delete(tab);
  say("behind", `${watch.name} stopped after ${messages(watch.received)}`);
  showWatches();
}

/** Show that the service or a disconnect has ended a subscription; `answer` has the error, if there is one. */
export function ended(tab, watch, answer) {
  watches.delete(tab);
  const [kind, why] = failed(answer) ?? ["behind", "the service ended it"];
  say(kind, `${watch.name} ended after ${messages(watch.received)}: ${why}`);
  showWatches();
}

function say(kind, text) {
  outcome.className = kind;
  outcome.textContent = outcome.title = text;
}

function failed(answer) {
  const [first, ...others] = answer?.errors ?? [];
  if (!first) return undefined;
  const code = first.extensions?.code;
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  return ["failed", `${code ? `${code}: ` : ""}${first.message}${more}`];
}

function refused({ data }, kind) {
  if (kind !== "mutation") return undefined;
  const payloads = Object.values(data ?? {}).filter((each) => each && typeof each === "object");
  const [first] = payloads.flatMap(({ errors }) => errors ?? []);
  if (first) return ["behind", `Refused: ${[first.code ?? first.__typename, first.message].filter(Boolean).join(": ")}`];
  if (payloads.some(({ errors }) => !Array.isArray(errors))) {
    return ["behind", "Sent: select errors { message } to see whether it was refused"];
  }
  return undefined;
}

function showWatches() {
  watching.replaceChildren(
    ...[...watches.values()].map(({ name, received }) => item("fresh", `${name}:`, `${messages(received)}`)),
  );
}

function messages(count) {
  return count === 1 ? "1 message" : `${count} messages`;
}

/** Show the freshness of a response, or in the data of a response, such as a heartbeat. */
function showFreshness(answer) {
  const reported = [
    answer?.extensions?.freshness,
    ...(answer?.errors ?? []).map((error) => error.extensions?.freshness && [error.extensions.freshness].flat()),
    ...Object.values(answer?.data ?? {}).map((field) => field?.freshness),
    answer?.data?.freshness,
  ].find((states) => Array.isArray(states) && states.some(({ readModel, state }) => readModel && state));
  if (!reported) return;
  const fresh = reported.filter((each) => kindOf(each) === "fresh");
  const others = reported.filter((each) => kindOf(each) !== "fresh").map(readModelItem);
  const items = fresh.length > 2 ? [manyFresh(fresh, reported.length)] : fresh.map(readModelItem);
  freshness.replaceChildren(...others, ...items);
}

function kindOf({ state, eventsBehind }) {
  if (state === "FAILED") return "failed";
  return Number(eventsBehind ?? 0) > 0 || state !== "LIVE" ? "behind" : "fresh";
}

function manyFresh(states, all) {
  const positions = new Set(states.map(({ position }) => position));
  const at = positions.size === 1 && !positions.has(undefined) ? ` at ${[...positions][0]}` : "";
  const shown = item("fresh", states.length === all ? `all ${all}` : `${states.length}`, `read models fresh${at}`);
  shown.title = states.map(details).join("\n");
  return shown;
}

function readModelItem(state) {
  const kind = kindOf(state);
  const behind = Number(state.eventsBehind ?? 0);
  const at = state.position === undefined ? "" : ` at ${state.position}`;
  const lag = state.millisecondsBehind === undefined ? "" : `, ${Math.round(state.millisecondsBehind)} ms`;
  const events = behind === 1 ? "1 event" : `${behind} events`;
  const said = { failed: `failed${at}`, behind: `${events}${lag} behind`, fresh: `fresh${at}` }[kind];
  const shown = item(kind, spoken(state.readModel), said);
  shown.title = details(state);
  return shown;
}

function item(kind, name, text) {
  const element = document.createElement("li");
  element.className = kind;
  const bold = document.createElement("b");
  bold.textContent = name;
  element.append(bold, ` ${text}`);
  return element;
}

function spoken(readModel) {
  return readModel.toLowerCase().replaceAll(/[-_]/g, " ");
}

function details({ readModel, state, position, head, reason }) {
  const at = position === undefined ? "" : `, at position ${position}${head === undefined ? "" : ` of ${head}`}`;
  return `${spoken(readModel)}: ${state}${at}${reason ? `: ${reason}` : ""}`;
}
