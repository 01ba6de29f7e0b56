// The event log: its newest events, or those that a search finds, a page at a time.

import { EventDetails } from "./event.js";
import { ask } from "./service.js";
import { count, html, moment } from "./shown.js";

const { useEffect, useRef, useState } = preactHooks;

const PAGE = 50;
const FIELDS = ["type", "stream", "actor", "commandId", "from", "to"];

/** Return what the fields of the form ask for; null if they are empty. */
function filterOf(fields) {
  const filter = {};
  const text = (name) => fields[name]?.trim();
  if (text("type")) filter.types = text("type").split(/[\s,]+/).filter(Boolean);
  for (const name of ["stream", "actor", "commandId", "correlationId"]) if (text(name)) filter[name] = text(name);
  if (text("from")) filter.atFrom = new Date(text("from")).toISOString();
  if (text("to")) filter.atTo = new Date(text("to")).toISOString();
  return Object.keys(filter).length ? filter : null;
}

function Search({ fields, types, onSearch }) {
  const form = useRef(null);
  useEffect(() => {
    for (const name of FIELDS) form.current.elements[name].value = fields[name] ?? "";
  }, [fields]);
  const search = (event) => {
    event.preventDefault();
    onSearch(Object.fromEntries(new FormData(form.current)));
  };
  const field = (name, label, more) => html`<label>${label} <input name=${name} autocomplete="off" spellcheck=${false} ...${more} /></label>`;
  return html`
    <form class="search" role="search" aria-label="Events" ref=${form} onSubmit=${search}>
      ${field("type", "type", { list: "types" })}
      ${field("stream", "stream")}
      ${field("actor", "actor")}
      ${field("commandId", "command")}
      ${field("from", "from", { type: "datetime-local", step: 1 })}
      ${field("to", "before", { type: "datetime-local", step: 1 })}
      <datalist id="types">${types.map((type) => html`<option key=${type} value=${type} />`)}</datalist>
      <p class="answers">
        <button>Search</button>
        <button type="button" onClick=${() => onSearch({})}>Clear</button>
      </p>
    </form>`;
}

function Row({ event, isOpen, onToggle, onSearch }) {
  const details = `event-${event.position}`;
  return html`
    <tr class=${isOpen ? "open" : ""}>
      <td><button type="button" class="plain" aria-expanded=${isOpen} aria-controls=${details} onClick=${onToggle}
        aria-label="Event ${event.position}">${count(event.position)}</button></td>
      <td class="time">${moment(event.at)}</td>
      <th scope="row">${event.type}</th>
      <td class="id">${event.stream} <span class="quiet">v${event.streamVersion}</span></td>
      <td class="actor">${event.actor}</td>
    </tr>
    ${isOpen && html`<tr class="below" id=${details}><td colspan="5">
      <${EventDetails} event=${event} onSearch=${onSearch} /></td></tr>`}`;
}

/** The events; `head` is the newest position, after each change of which the newest events are read again. */
export function Events({ head }) {
  const [fields, setFields] = useState({});
  const [after, setAfter] = useState(null);
  const [page, setPage] = useState(null);
  const [problem, setProblem] = useState("");
  const [opened, setOpened] = useState(null);
  const types = useRef(new Set());
  const turn = useRef(0);
  const [isHeld, hold] = useState(false);
  const isFollowing = after === null && opened === null && !isHeld;

  useEffect(() => {
    turn.current += 1;
    const own = turn.current;
    const isMine = () => own === turn.current;
    read().then(
      (found) => isMine() && (setPage(found), setProblem("")),
      (reason) => isMine() && setProblem(reason.message),
    );

    async function read() {
      const { events } = await ask("events", { filter: filterOf(fields), first: PAGE, after });
      for (const each of events.nodes) types.current.add(each.type);
      return events;
    }
    // Newer events do not push away what somebody points at, has opened, or has turned back to.
  }, [fields, after, isFollowing ? head : null]);

  function search(wanted) {
    setOpened(null);
    setAfter(null);
    setFields(wanted);
  }

  function turnTo(cursor) {
    setOpened(null);
    setAfter(cursor);
  }

  const { correlationId } = fields;
  const paused = opened === null ? "paused while you point at them" : "paused while one is open";
  const holding = {
    onPointerEnter: () => hold(true),
    onPointerLeave: () => hold(false),
    onfocusin: () => hold(true),
    onfocusout: () => hold(false),
  };
  return html`
    <section class="events" aria-labelledby="events">
      <h2 id="events">Events
        <span class="quiet">${isFollowing ? "newest first, as they are recorded" : after ? "older ones" : paused}</span></h2>
      <${Search} fields=${fields} types=${[...types.current].sort()} onSearch=${search} />
      ${correlationId && html`<p class="quiet">Only events with the correlation ${correlationId}</p>`}
      <p class="said" role="status">${problem}</p>
      ${page && html`
        <table>
          <thead>
            <tr><th scope="col">Position</th><th scope="col">Recorded</th><th scope="col">Type</th><th scope="col">Stream</th>
              <th scope="col">Actor</th></tr>
          </thead>
          <tbody ...${holding}>
            ${page.nodes.map((event) => html`
              <${Row} key=${event.position} event=${event} isOpen=${opened === event.position} onSearch=${search}
                onToggle=${() => setOpened(opened === event.position ? null : event.position)} />`)}
          </tbody>
        </table>
        <p class="pages">
          <span class="quiet">${
            page.nodes.length ? "" : "No such event. "
          }${page.pageInfo.hasNextPage ? `Searched down to position ${count(page.searchedTo)}.` : "This is the beginning of the log."}</span>
          <button type="button" aria-disabled=${after === null} onClick=${() => after !== null && turnTo(null)}>Newest</button>
          <button type="button" aria-disabled=${!page.pageInfo.hasNextPage}
            onClick=${() => page.pageInfo.hasNextPage && turnTo(page.pageInfo.endCursor)}>Older</button>
        </p>`}
    </section>`;
}
