/** An item of `ordersUpdated` or `productsUpdated`, with the fields that a live list needs. */
export interface ListUpdate<Edge> {
  edges?: readonly Edge[] | null;
  changes: readonly {
    kind: string;
    index?: number | null;
    previousIndex?: number | null;
    edge?: Edge | null;
  }[];
  hasNextPage: boolean;
}

export interface List<Edge> {
  edges: readonly Edge[];
  hasNextPage: boolean;
}

/** The list after an update: it is whole, or what it changes is put into the list as it was. */
export const updated = <Edge>(list: List<Edge>, update: ListUpdate<Edge>): List<Edge> => {
  const { edges, changes, hasNextPage } = update;
  if (edges) return { edges, hasNextPage };
  const goes = ({ kind }: { kind: string }) => kind === "LEFT" || kind === "MOVED";
  const gone = new Set(changes.filter(goes).map(({ previousIndex }) => previousIndex));
  const next = list.edges.filter((_, index) => !gone.has(index));
  for (const { kind, index, edge } of changes) {
    if (edge && typeof index === "number") next.splice(index, kind === "CHANGED" ? 1 : 0, edge);
  }
  return { edges: next, hasNextPage };
};

/** Takes the results of a subscription to a list, and shows the list after each of them. */
export const keeping = <Edge>(show: (list: List<Edge>) => void) => {
  let list: List<Edge> = { edges: [], hasNextPage: false };
  return (data: object | null | undefined) => {
    const update = Object.values(data ?? {}).find((value) => value && typeof value === "object");
    if (update) show((list = updated(list, update as ListUpdate<Edge>)));
  };
};
