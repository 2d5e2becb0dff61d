/** The most that a function may do, and every lesser thing. */
export type FunctionLevel = 'reads' | 'writes' | 'defines'

/**
 * What a database defines besides its tables. Names are without schemas: where two functions share a name, the one that may do more
 * decides.
 */
export interface DatabaseFunctions {
  /** Functions of users that are not known to depend on their arguments alone. */
  readonly untrusted: ReadonlyMap<string, FunctionLevel>
  /** Those of one row: they are also called as `row.name`. */
  readonly ofRows: ReadonlySet<string>
  /** Operators whose function is untrusted. */
  readonly operators: ReadonlySet<string>
  /** Types with a function in a check, a cast or a comparison that may write, or that only reads but is not declared immutable. */
  readonly types: ReadonlyMap<string, FunctionLevel>
  /** Functions that depend on their arguments alone in each of their forms. */
  readonly pure: ReadonlySet<string>
  /** Functions of the database itself that write no table. */
  readonly harmless: ReadonlySet<string>
}

const ORDER: Readonly<Record<FunctionLevel, number>> = { reads: 0, writes: 1, defines: 2 }

export function higherLevel(left: FunctionLevel, right: FunctionLevel | undefined): FunctionLevel {
  return right !== undefined && ORDER[right] > ORDER[left] ? right : left
}

/** What is known of two sources of the same database. */
export function unionOfFunctions(left: DatabaseFunctions | undefined, right: DatabaseFunctions | undefined): DatabaseFunctions | undefined {
  if (left === undefined || right === undefined || left === right) return left ?? right
  const highest = (key: 'untrusted' | 'types') => {
    const levels = new Map(left[key])
    for (const [name, level] of right[key]) levels.set(name, higherLevel(level, levels.get(name)))
    return levels
  }
  const both = (key: 'pure' | 'harmless') => new Set([...left[key]].filter((name) => right[key].has(name)))
  const either = (key: 'ofRows' | 'operators') => new Set([...left[key], ...right[key]])
  return {
    ...{ untrusted: highest('untrusted'), types: highest('types') },
    ...{ ofRows: either('ofRows'), operators: either('operators') },
    ...{ pure: both('pure'), harmless: both('harmless') },
  }
}
