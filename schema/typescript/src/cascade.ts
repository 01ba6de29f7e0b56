/** The effects of a command, as a payload tells them that selects all of `cascade`. */
export interface Cascade {
  readonly changed: readonly CascadeNode[];
  readonly removed: readonly CascadeNode[];
  readonly fields: readonly CascadeField[];
}

export interface CascadeNode {
  readonly type: string;
  readonly nodeId: string;
}

export interface CascadeField {
  readonly type: string;
  readonly name: string;
}

/**
 * Return the cascades in a mutation's data, one for each payload that selects `cascade`. One is null if its effects are
 * not known: then everything that was read before may be out of date.
 */
export const cascadesIn = (data: unknown): (Cascade | null)[] =>
  Object.values((data ?? {}) as Record<string, { cascade?: Cascade | null } | null>).flatMap((payload) => {
    const cascade = payload?.cascade;
    return cascade === undefined ? [] : [cascade];
  });
