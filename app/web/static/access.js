// The token of the viewer, which requests and subscriptions carry. It is forgotten when the browser's tab is closed.

const KEPT = "diptych:access";
const field = document.querySelector("#access input");
const viewer = document.querySelector("#access output");
const listeners = [];

/** Return the token, or an empty text for an anonymous viewer. */
export function accessToken() {
  return field.value.trim().replace(/^bearer\s+/i, "");
}

/** Call `listener` after each change of the token. */
export function onAccessChange(listener) {
  listeners.push(listener);
}

function show() {
  const token = accessToken();
  viewer.textContent = token ? described(token) : "anonymous";
}

/** Describe the viewer of a token without verifying it, which is for the service to do. */
function described(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const { sub, exp } = JSON.parse(new TextDecoder().decode(bytes));
    const ends = new Date(exp * 1000);
    return `${sub}, ${ends < new Date() ? "expired" : "until"} ${ends.toLocaleString([], { timeStyle: "short", dateStyle: "short" })}`;
  } catch {
    return "not a token";
  }
}

field.value = sessionStorage.getItem(KEPT) ?? "";
field.addEventListener("input", () => {
  sessionStorage.setItem(KEPT, accessToken());
  show();
  for (const listener of listeners) listener();
});
show();
