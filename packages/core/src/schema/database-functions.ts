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
  /** Types with an untrusted function in a check or a cast. */
  readonly types: ReadonlySet<string>
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
  const untrusted = new Map(left.untrusted)
  for (const [name, level] of right.untrusted) untrusted.set(name, higherLevel(level, untrusted.get(name)))
  const both = (key: 'pure' | 'harmless') => new Set([...left[key]].filter((name) => right[key].has(name)))
  const either = (key: 'ofRows' | 'operators' | 'types') => new Set([...left[key], ...right[key]])
  return {
    untrusted,
    ...{ ofRows: either('ofRows'), operators: either('operators'), types: either('types') },
    ...{ pure: both('pure'), harmless: both('harmless') },
  }
}
