// The events that read models leave out, because operators have decided so.

import { ask } from "./service.js";
import { count, html, moment, words } from "./shown.js";

const { useEffect, useState } = preactHooks;

/** The decisions; `number` is how many there are, after each change of which they are read again. */
export function Skipped({ number }) {
  const [decisions, setDecisions] = useState([]);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let isShown = true;
    if (number) {
      ask("skipped").then(
        ({ skippedEvents }) => isShown && (setDecisions(skippedEvents), setProblem("")),
        (reason) => isShown && setProblem(reason.message),
      );
    }
    return () => {
      isShown = false;
    };
  }, [number]);
  if (!number) return null;
  return html`
    <section class="skipped" aria-labelledby="skipped">
      <details>
        <summary><h2 id="skipped">Skipped events <span class="quiet">${count(number)}</span></h2></summary>
        <p class="said" role="status">${problem}</p>
        <ul>
          ${decisions.map((each) => html`
            <li key="${each.readModel} ${each.position}">
              <b>${words(each.readModel)}</b> lacks ${each.eventType} at position ${count(each.position)}:
              ${" "}${each.reason}
              <span class="quiet"> ${each.actor}, ${moment(each.skippedAt)}</span>
            </li>`)}
        </ul>
      </details>
    </section>`;
}
