// What the page remembers of the last two minutes, and the rates that follow from it.

const KEPT = 120; // samples, one a second
const AVERAGED = 5; // seconds over which rates are averaged

const sum = (items, value) => items.reduce((total, item) => total + Number(value(item)), 0);

/** Return the numbers in a status of the service of which the page shows the course. */
function sampled(status) {
  const sample = {
    at: status.uptime,
    head: Number(status.head),
    commands: sum(status.commands, (each) => each.count),
    cached: sum(status.reads, (each) => each.cached),
    reads: sum(status.reads, (each) => Number(each.cached) + Number(each.compiled) + Number(each.ordinary)),
    items: Number(status.subscribers.items),
  };
  for (const each of status.commands) sample[`${each.command} ${each.outcome}`] = Number(each.count);
  for (const each of status.readModels) {
    sample[`${each.readModel} position`] = Number(each.position);
    sample[`${each.readModel} lag`] = each.millisecondsBehind;
  }
  return sample;
}

/** The newest samples, at most `KEPT`; a service that has begun anew begins them anew. */
export class Samples {
  constructor() {
    this.all = [];
  }

  add(status) {
    const sample = sampled(status);
    if (this.all.length && sample.at < this.all.at(-1).at) this.all = [];
    this.all = [...this.all.slice(1 - KEPT), sample];
  }

  /** Return how much a count rises in a second, as the average of the last seconds. */
  rate(name, index = this.all.length - 1) {
    const now = this.all[index];
    let first = index;
    while (first > 0 && now.at - this.all[first - 1].at <= AVERAGED) first -= 1;
    const before = this.all[first];
    if (!now || first === index) return 0;
    // A count that was not there before began at 0: the first command of a type, for example.
    return Math.max(0, ((now[name] ?? 0) - (before[name] ?? 0)) / (now.at - before.at));
  }

  /** Return the part of `whole` that `part` made up in the last seconds; null if there was nothing. */
  share(part, whole) {
    const all = this.rate(whole);
    return all ? this.rate(part) / all : null;
  }

  /** Return the course of a number. */
  course(name) {
    return this.all.map((sample) => sample[name] ?? 0);
  }

  /** Return the course of the rate of a count. */
  rates(name) {
    return this.all.map((_, index) => this.rate(name, index));
  }
}
