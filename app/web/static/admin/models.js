// The read models: how far each has come, and what an operator can do about it.

import { ask } from "./service.js";
import { count, duration, html, moment, perSecond, Sparkline, words } from "./shown.js";

const { useRef, useState } = preactHooks;

const STATES = {
  LIVE: { text: "live", kind: "good" },
  CATCHING_UP: { text: "catching up", kind: "late" },
  FAILED: { text: "failed", kind: "bad" },
};

const ACTIONS = {
  retry: { document: "retry", field: "retryReadModel", done: "is retried" },
  rebuild: {
    document: "rebuild",
    field: "rebuildReadModel",
    done: "is rebuilt beside the documents that serve",
    question: "Rebuild it from the log? The documents that it has now answer until the new ones are complete.",
    canVerify: true,
  },
  accept: {
    document: "rebuild",
    field: "rebuildReadModel",
    variables: { accept: true },
    done: "takes the new documents as they are",
    question: "Have the new documents serve, although they differ from those that serve now?",
  },
  abort: {
    document: "abort",
    field: "abortRebuild",
    done: "keeps the documents that it has",
    question: "Abort the rebuild? The documents that it has now go on answering.",
  },
  rollback: {
    document: "rollback",
    field: "rollBackReadModel",
    done: "answers from its earlier documents",
    question: "Answer from the documents that were there before the last rebuild?",
  },
};

const AT_WORK = ["BUILDING", "VERIFYING"];
const ABORTABLE = [...AT_WORK, "DIFFERENT", "FAILED"];

/** A question that must be answered before an action is carried out; Escape means no. */
function Question({ name, action, onAnswer }) {
  const { question, canVerify } = ACTIONS[action];
  const show = (dialog) => dialog && !dialog.open && dialog.showModal();
  const answer = ({ target }) =>
    onAnswer(target.returnValue === "yes", canVerify && target.querySelector("input").checked);
  return html`
    <dialog ref=${show} aria-labelledby="question" onClose=${answer}>
      <form method="dialog">
        <h2 id="question">${words(name)}</h2>
        <p>${question}</p>
        ${canVerify && html`<p><label><input type="checkbox" /> Compare both before the switch</label></p>`}
        <p class="answers"><button value="yes">Yes, ${action}</button> <button value="no" autofocus>No</button></p>
      </form>
    </dialog>`;
}

/** The buttons of a read model: always as many, so that none moves when another one becomes possible. */
function Actions({ model, rebuild, act }) {
  const button = (action, isPossible) => html`
    <button type="button" aria-disabled=${!isPossible} onClick=${() => isPossible && act(action, model.readModel)}
      aria-label="${action} ${words(model.readModel)}">${action}</button>`;
  const state = rebuild?.state;
  return html`
    ${button("retry", model.state !== "LIVE")}
    ${state === "DIFFERENT" ? button("accept", true) : button("rebuild", !AT_WORK.includes(state))}
    ${ABORTABLE.includes(state) ? button("abort", true) : button("rollback", state === "SWITCHED")}`;
}

/** The rebuild of a read model, while it goes on or can be taken back. */
function Rebuild({ rebuild }) {
  const { position, head, eventsPerSecond, secondsLeft, state, keptUntil, reason } = rebuild;
  if (state === "SWITCHED") {
    const until = keptUntil && `, and a rollback is possible until ${moment(keptUntil)}`;
    return html`<tr class="below"><td colspan="7">rebuilt: the new documents serve${until}</td></tr>`;
  }
  if (!ABORTABLE.includes(state)) return null;
  const left = secondsLeft === null ? "" : `, ${duration(secondsLeft * 1000)} left`;
  return html`
    <tr class="below"><td colspan="7">
      <label>rebuild, ${words(state)}
        <progress max=${Number(head) || 1} value=${Number(position)} /></label>
      <span class="numbers">${count(position)} of ${count(head)}, ${perSecond(eventsPerSecond)} events/s${left}</span>
      ${reason && html`<span class="reason"> ${reason}</span>`}
    </td></tr>`;
}

function Model({ model, error, samples, rebuild, act }) {
  const { text, kind } = STATES[model.state];
  const name = words(model.readModel);
  return html`
    <tr>
      <th scope="row">${name}</th>
      <td class="state"><span class="pill ${kind}">${text}</span></td>
      <td data-label="position">${count(model.position)}</td>
      <td data-label="behind">${count(model.eventsBehind)}</td>
      <td data-label="lag" class="lag"><div>
        <span>${duration(model.millisecondsBehind)}</span>
        <${Sparkline} values=${samples.course(`${model.readModel} lag`)} least=${100} label="Lag of ${name}" read=${duration} />
      </div></td>
      <td data-label="events/s">${perSecond(samples.rate(`${model.readModel} position`))}</td>
      <td class="actions"><${Actions} ...${{ model, rebuild, act }} /></td>
    </tr>
    ${model.reason && html`<tr class="below"><td colspan="7"><span class="reason">${model.reason}</span></td></tr>`}
    ${error && !model.reason && html`
      <tr class="below"><td colspan="7" class="quiet">last error ${moment(error.at)}: ${error.reason}</td></tr>`}
    ${rebuild && html`<${Rebuild} rebuild=${rebuild} />`}`;
}

/** The read models, each with its lag and its newest rebuild, and what can be done. */
export function Models({ status, samples, rebuilds, onChange }) {
  const [asked, setAsked] = useState(null);
  const [said, setSaid] = useState("");
  const opener = useRef(null);

  async function carryOut(action, readModel, more) {
    const { document: sent, field, done, variables } = ACTIONS[action];
    setSaid(`${action} of ${words(readModel)} …`);
    try {
      const { errors } = (await ask(sent, { readModel, ...variables, ...more }))[field];
      setSaid(errors.length ? errors.map(({ message }) => message).join(" ") : `${words(readModel)} ${done}.`);
    } catch (reason) {
      setSaid(reason.message);
    }
    onChange();
  }

  function act(action, readModel) {
    if (!ACTIONS[action].question) return carryOut(action, readModel);
    opener.current = document.activeElement;
    return setAsked({ action, name: readModel });
  }

  function answered(isYes, verify) {
    setAsked(null);
    opener.current?.focus();
    if (isYes) carryOut(asked.action, asked.name, verify && { verify });
  }

  const errorOf = (name) => status.lastErrors.find((each) => each.readModel === name);
  const rebuildOf = (name) => rebuilds.find((each) => each.readModel === name);
  return html`
    <section class="models" aria-labelledby="models">
      <h2 id="models">Read models</h2>
      <table>
        <thead>
          <tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Position</th><th scope="col">Behind</th>
            <th scope="col">Lag, two minutes</th><th scope="col">Events/s</th><th scope="col">Actions</th></tr>
        </thead>
        <tbody>
          ${status.readModels.map((model) => html`
            <${Model} key=${model.readModel} error=${errorOf(model.readModel)} rebuild=${rebuildOf(model.readModel)}
              ...${{ model, samples, act }} />`)}
        </tbody>
      </table>
      <p class="said" role="status">${said}</p>
      ${asked && html`<${Question} ...${asked} onAnswer=${answered} />`}
    </section>`;
}
