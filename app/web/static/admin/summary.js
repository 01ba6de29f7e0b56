// The row of figures at the top, and the commands by type and outcome.

import { bytes, count, duration, html, percent, perSecond, Sparkline } from "./shown.js";

function Tile({ name, value, unit, more, children }) {
  return html`
    <div class="tile">
      <dt>${name}</dt>
      <dd><b>${value}</b> <span class="unit">${unit}</span><span class="more">${more}</span>${children}</dd>
    </div>`;
}

/** The log, commands, reads, subscribers and the cache at a glance. */
export function Summary({ status, samples }) {
  const { cache, subscribers } = status;
  const cut = Number(subscribers.unread) ? `, ${count(subscribers.unread)} cut` : "";
  const each = (number) => `${perSecond(number)} a second`;
  return html`
    <dl class="tiles" aria-label="At a glance">
      <${Tile} name="Log" value=${perSecond(samples.rate("head"))} unit="events/s"
        more=${html`head <span id="head">${count(status.head)}</span>`}>
        <${Sparkline} values=${samples.rates("head")} least=${1} label="Events" read=${each} />
      <//>
      <${Tile} name="Commands" value=${perSecond(samples.rate("commands"))} unit="/s"
        more="${count(samples.all.at(-1).commands)} since the start">
        <${Sparkline} values=${samples.rates("commands")} least=${1} label="Commands" read=${each} />
      <//>
      <${Tile} name="Reads" value=${perSecond(samples.rate("reads"))} unit="/s"
        more="${percent(samples.share("cached", "reads"))} from the cache">
        <${Sparkline} values=${samples.rates("reads")} least=${5} label="Reads" read=${each} />
      <//>
      <${Tile} name="Subscribers" value=${count(subscribers.subscribers)} unit="live"
        more="${count(subscribers.sockets)} sockets, ${count(subscribers.skipped)} skipped${cut}">
        <${Sparkline} values=${samples.rates("items")} least=${1} label="Items for subscribers" read=${each} />
      <//>
      <${Tile} name="Answer cache" value=${count(cache.answers)} unit="answers"
        more=${Number(cache.capacity) ? `${bytes(cache.bytes)} of ${bytes(cache.capacity)}` : "switched off"}>
        <meter aria-label="Part of the cache's memory that is used" min="0" max=${Number(cache.capacity) || 1}
          value=${Number(cache.bytes)} />
      <//>
    </dl>`;
}

/** The commands of the process, in the order of their names, so that no row moves. */
export function Commands({ status, samples }) {
  return html`
    <section class="commands" aria-labelledby="commands">
      <h2 id="commands">Commands</h2>
      <div class="scrolled" tabindex="0" role="region" aria-labelledby="commands">
        <table>
          <thead>
            <tr><th scope="col">Type and outcome</th><th scope="col">Per second</th><th scope="col">Count</th>
              <th scope="col">Mean time</th></tr>
          </thead>
          <tbody>
            ${status.commands.map(({ command, outcome, count: number, seconds }) => html`
              <tr key="${command} ${outcome}">
                <th scope="row">${command}
                  ${outcome !== "ACCEPTED" && html`<span class="outcome">${outcome}</span>`}</th>
                <td>${perSecond(samples.rate(`${command} ${outcome}`))}</td>
                <td>${count(number)}</td>
                <td>${duration((seconds / Number(number)) * 1000)}</td>
              </tr>`)}
          </tbody>
        </table>
        ${!status.commands.length && html`<p class="quiet">No command since the process began.</p>`}
      </div>
    </section>`;
}
