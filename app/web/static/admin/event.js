// One event with its payload, and what its command has recorded with it.

import { ask } from "./service.js";
import { count, html } from "./shown.js";

const { useEffect, useState } = preactHooks;

const LINE = 60; // characters

/** Return JSON text with line breaks if it is long, and texts without quotes. */
function readable(text) {
  const value = JSON.parse(text);
  if (typeof value === "string") return value;
  return text.length > LINE ? JSON.stringify(value, null, 2) : text;
}

function Field({ field }) {
  return html`
    <div><dt>${field.name}</dt>
      <dd>${field.isPersonal ? html`<span class="pill">personal, not shown</span>` : html`<code>${readable(field.value)}</code>`}</dd>
    </div>`;
}

function Found({ name, value, onSearch, filter }) {
  return html`
    <div><dt>${name}</dt><dd><button type="button" class="link" onClick=${() => onSearch(filter)}
      aria-label="Search for ${name} ${value}">${value}</button></dd></div>`;
}

/** The event's envelope and fields, and the other events of its command; all is read when it is opened. */
export function EventDetails({ event, onSearch }) {
  const [siblings, setSiblings] = useState(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let isShown = true;
    ask("command", { commandId: event.commandId }).then(
      (data) => isShown && setSiblings(data.events.nodes),
      (reason) => isShown && setProblem(reason.message),
    );
    return () => {
      isShown = false;
    };
  }, [event.position]);
  if (problem) return html`<p>${problem}</p>`;
  if (!siblings) return html`<p class="quiet">reading …</p>`;
  const whole = siblings.find((each) => each.position === event.position && each.type === event.type);
  if (!whole) return html`<p>The store no longer knows which command has recorded this event.</p>`;
  const cause = whole.causationId === whole.commandId ? "the command itself" : whole.causationId;
  return html`
    <div class="details">
      <section aria-label="Fields">
        <h3>Fields</h3>
        ${whole.problem && html`<p class="reason">${whole.problem}</p>`}
        <dl>${whole.fields.map((field) => html`<${Field} key=${field.name} field=${field} />`)}</dl>
      </section>
      <section aria-label="Cause">
        <h3>Cause</h3>
        <dl>
          <${Found} name="command" value=${whole.commandId} filter=${{ commandId: whole.commandId }} onSearch=${onSearch} />
          <${Found} name="correlation" value=${whole.correlationId} filter=${{ correlationId: whole.correlationId }} onSearch=${onSearch} />
          <div><dt>caused by</dt><dd>${cause}</dd></div>
          <${Found} name="stream" value=${whole.stream} filter=${{ stream: whole.stream }} onSearch=${onSearch} />
          <${Found} name="actor" value=${whole.actor} filter=${{ actor: whole.actor }} onSearch=${onSearch} />
          <div><dt>event id</dt><dd class="id">${whole.eventId}</dd></div>
        </dl>
        <h3>Recorded by this command</h3>
        <ol>
          ${[...siblings].reverse().map((each) => html`
            <li key=${`${each.position} ${each.type}`} aria-current=${each.position === event.position}>
              <span>${count(each.position)}</span> <span>${each.type}</span> <span class="id">${each.stream}</span></li>`)}
        </ol>
      </section>
    </div>`;
}
