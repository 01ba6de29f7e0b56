// The line at the bottom: how fresh the last answer was, and the token that the next request carries.

const freshness = document.querySelector("#freshness");
const token = document.querySelector("#token");

/** Shows `extensions.freshness` of an answer, where it has one, and the token remembered after it. */
export function showStatus(answer, nextToken) {
  const states = answer?.extensions?.freshness;
  if (Array.isArray(states) && states.length > 0) {
    freshness.replaceChildren(...states.map(readModelItem));
  }
  token.hidden = !nextToken;
  token.title = nextToken ?? "";
  token.querySelector("code").textContent = nextToken ?? "";
}

function readModelItem({ readModel, state, position, head, eventsBehind, millisecondsBehind, reason }) {
  const failed = state === "FAILED";
  const behind = Number(eventsBehind);
  const item = document.createElement("li");
  item.className = failed ? "failed" : behind > 0 ? "behind" : "fresh";
  item.title = `${readModel}: ${state}, at position ${position} of ${head}${reason ? `: ${reason}` : ""}`;

  const name = document.createElement("b");
  name.textContent = readModel.toLowerCase().replaceAll(/[-_]/g, " ");
  const events = behind === 1 ? "1 event" : `${behind} events`;
  const lag = behind > 0 ? `${events}, ${millisecondsBehind} ms behind` : `fresh at ${position}`;
  item.append(name, failed ? ` failed at ${position}` : ` ${lag}`);
  return item;
}
