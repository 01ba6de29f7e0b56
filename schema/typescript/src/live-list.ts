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

/** The data of a subscription whose one field is a list. */
export type ListData<Edge> = { readonly [field: string]: ListUpdate<Edge> | string | undefined };

/** The same by its own fields, as an interface has them: `Data extends ListFields<Data>`. */
export type ListFields<Data, Edge = unknown> = {
  readonly [Field in keyof Data]: ListUpdate<Edge> | string | undefined;
};

/** The edges of the list in the data of a subscription. */
export type EdgeIn<Data> = Data[keyof Data] extends infer Field ? (Field extends ListUpdate<infer Edge> ? Edge : never) : never;

export interface List<Edge> {
  edges: readonly Edge[];
  hasNextPage: boolean;
}

/** Return the list after an update, which has the whole list, or what has changed in it. */
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

/** Return a function that takes the data of a subscription to a list, and shows the list after each item. */
export const keeping = <Edge>(show: (list: List<Edge>) => void) => {
  let list: List<Edge> = { edges: [], hasNextPage: false };
  return <Data extends ListFields<Data, Edge>>(data: Data | null | undefined): void => {
    const update = Object.values(data ?? {}).find((value) => value && typeof value === "object");
    if (update) show((list = updated(list, update as ListUpdate<Edge>)));
  };
};
