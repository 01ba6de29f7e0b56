// Numbers, times and small pictures, as the whole page shows them.

export const html = htm.bind(preact.h);

const whole = new Intl.NumberFormat("en-US");
const tenths = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const count = (number) => whole.format(Number(number));
export const perSecond = (number) => (number >= 1000 ? whole.format(Math.round(number)) : tenths.format(number));
export const percent = (share) => (share === null ? "–" : `${Math.round(share * 100)} %`);

/** Return a duration as text. */
export function duration(milliseconds) {
  if (milliseconds < 10) return `${milliseconds ? tenths.format(milliseconds) : 0} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 120) return `${tenths.format(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

/** Return a number of bytes as text. */
export function bytes(number) {
  return number < 1e6 ? `${tenths.format(number / 1e3)} kB` : `${tenths.format(number / 1e6)} MB`;
}

/** Return a name such as `ORDER_DETAILS` as words. */
export const words = (name) => name.toLowerCase().replaceAll("_", " ");

const pad = (number, digits = 2) => String(number).padStart(digits, "0");

/** Return a time in the viewer's time zone: the time of day, with the date unless it is today's. */
export function moment(text) {
  const at = new Date(text);
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
  return at.toDateString() === new Date().toDateString() ? time : `${day} ${time}`;
}

const WIDTH = 120;
const HEIGHT = 24;

/**
 * The course of a number as a line, the newest value at the right end. `least` is the highest value that a full
 * height stands for at least, so that noise looks like noise.
 */
export function Sparkline({ values, least, label, read }) {
  const top = Math.max(least, ...values);
  const x = (index) => WIDTH - (values.length - 1 - index);
  const y = (value) => HEIGHT - 1 - (value / top) * (HEIGHT - 3);
  const points = values.map((value, index) => `${x(index)},${y(value).toFixed(1)}`).join(" ");
  const said = values.length ? `now ${read(values.at(-1))}, highest ${read(Math.max(...values))}` : "no values yet";
  return html`
    <svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img"
      aria-label="${label}: ${said}">
      ${values.length > 1 && html`
        <polygon points="${x(0)},${HEIGHT} ${points} ${WIDTH},${HEIGHT}" />
        <polyline points=${points} vector-effect="non-scaling-stroke" />`}
    </svg>`;
}
