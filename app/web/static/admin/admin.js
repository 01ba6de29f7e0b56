// The operators' page: it asks the service for its status once a second, and shows the last two minutes.

import { accessToken, onAccessChange } from "./access.js";
import { Events } from "./events.js";
import { Models } from "./models.js";
import { Samples } from "./samples.js";
import { ask } from "./service.js";
import { html } from "./shown.js";
import { Skipped } from "./skipped.js";
import { Commands, Summary } from "./summary.js";

const { useEffect, useRef, useState } = preactHooks;

const BETWEEN = 1000; // milliseconds between two questions
const connection = document.getElementById("connection");

/** Say how it goes; a screen reader hears it when it changes, and not each second. */
function say(kind, text) {
  if (connection.textContent !== text) connection.textContent = text;
  connection.className = kind;
}

function Denied({ reason }) {
  return html`
    <section class="notice">
      <h2>This page is for operators</h2>
      <p>${reason}</p>
      <p>${accessToken() ? "Paste the token of an operator" : "Paste an operator's token"} into the field at the top.
        A service with <code>AUTH=development</code> takes the one that <code>scripts/diptych token --role operator</code> prints.</p>
    </section>`;
}

function Page() {
  const [shown, setShown] = useState({});
  const samples = useRef(new Samples());
  const ticking = useRef(() => {});

  useEffect(() => {
    let timer = 0;
    let turn = 0;

    async function tick() {
      clearTimeout(timer);
      turn += 1;
      const own = turn;
      const before = performance.now();
      let next = BETWEEN;
      try {
        if (!document.hidden) {
          const [{ serviceStatus }, { rebuildProgress }] = await Promise.all([ask("status"), ask("rebuilds")]);
          if (own !== turn) return;
          samples.current.add(serviceStatus);
          setShown({ status: serviceStatus, rebuilds: rebuildProgress });
          say("good", "live, each second");
        }
      } catch (reason) {
        if (own !== turn) return;
        if (reason.kind === "denied") {
          samples.current = new Samples();
          setShown({ denied: reason.message });
          say("bad", "not permitted");
          return; // until there is another token
        }
        say("late", reason.message);
        next = 2 * BETWEEN;
      }
      timer = setTimeout(tick, Math.max(0, next - (performance.now() - before)));
    }

    ticking.current = tick;
    onAccessChange(tick);
    document.addEventListener("visibilitychange", () => document.hidden || tick());
    tick();
  }, []);

  const { status, rebuilds, denied } = shown;
  if (denied) return html`<${Denied} reason=${denied} />`;
  if (!status) return html`<p class="notice quiet">Asking the service …</p>`;
  const given = { status, samples: samples.current };
  const skipped = status.readModels.reduce((sum, { eventsSkipped }) => sum + Number(eventsSkipped), 0);
  return html`
    <${Summary} ...${given} />
    <${Models} ...${given} rebuilds=${rebuilds} onChange=${() => ticking.current()} />
    <${Skipped} number=${skipped} />
    <div class="beside">
      <${Commands} ...${given} />
      <${Events} head=${status.head} />
    </div>`;
}

preact.render(html`<${Page} />`, document.getElementById("admin"));
