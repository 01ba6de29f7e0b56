// What the pages draw alike.
import { StrictMode, useSyncExternalStore, type ReactNode } from "react";
import { createRoot } from "react-dom/client";

export const Price = ({ amount, currencyCode }: { amount: string; currencyCode: string }) => (
  <span className="price">
    {new Intl.NumberFormat("en", { style: "currency", currency: currencyCode }).format(amount as `${number}`)}
  </span>
);

export const Moment = ({ at }: { at: string }) => (
  <time dateTime={at}>{new Date(at).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })}</time>
);

export const Status = ({ is }: { is: string }) => <span className={`status ${is}`}>{is.toLowerCase()}</span>;

export const Alert = ({ children }: { children: ReactNode }) => children && <p role="alert">{children}</p>;

const listen = (changed: () => void) => {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
};

/** Return what follows the `#` in the address: the one thing that the page is about, if there is one. */
export const useHash = () => useSyncExternalStore(listen, () => decodeURIComponent(location.hash.slice(1)));

export const mount = (page: ReactNode) =>
  createRoot(document.getElementById("root")!).render(<StrictMode>{page}</StrictMode>);
