/** The maximum effect of a function, which includes all lesser effects. */
export type FunctionLevel = 'reads' | 'writes' | 'defines'

/**
 * Functions, operators and types that a database defines. Names have no schema: if two functions share a
 * name, the function with the greater effect decides.
 */
export interface DatabaseFunctions {
  /** User-defined functions that may depend on more than their arguments. */
  readonly untrusted: ReadonlyMap<string, FunctionLevel>
  /** Functions of one row: they can also be called as `row.name`. */
  readonly ofRows: ReadonlySet<string>
  /**
   * Operators with an untrusted function. The operand types are unknown: the function with the greatest
   * effect decides.
   */
  readonly operators: ReadonlyMap<string, FunctionLevel>
  /** Those of them that may apply to a number. */
  readonly operatorsOfNumbers: ReadonlySet<string>
  /**
   * Types with a function in a check, a cast or a comparison that can write, or that only reads but is not
   * declared immutable.
   */
  readonly types: ReadonlyMap<string, FunctionLevel>
  /** User-defined functions that may change settings of the session. */
  readonly configuring: ReadonlySet<string>
  /** Functions that depend only on their arguments in all of their overloads. */
  readonly pure: ReadonlySet<string>
  /** Built-in functions of the database that write to no table. */
  readonly readOnly: ReadonlySet<string>
}

const ORDER: Readonly<Record<FunctionLevel, number>> = { reads: 0, writes: 1, defines: 2 }

export function higherLevel(left: FunctionLevel, right: FunctionLevel | undefined): FunctionLevel {
  return right !== undefined && ORDER[right] > ORDER[left] ? right : left
}

/** The union of two sources of the same database. */
export function unionOfFunctions(
  left: DatabaseFunctions | undefined,
  right: DatabaseFunctions | undefined,
): DatabaseFunctions | undefined {
  if (left === undefined || right === undefined || left === right) return left ?? right
  const highest = (key: 'untrusted' | 'types' | 'operators') => {
    const levels = new Map(left[key])
    for (const [name, level] of right[key]) levels.set(name, higherLevel(level, levels.get(name)))
    return levels
  }
  const both = (key: 'pure' | 'readOnly') => new Set([...left[key]].filter((name) => right[key].has(name)))
  const either = (key: 'ofRows' | 'operatorsOfNumbers' | 'configuring') =>
    new Set([...left[key], ...right[key]])
  return {
    untrusted: highest('untrusted'),
    types: highest('types'),
    ofRows: either('ofRows'),
    operators: highest('operators'),
    operatorsOfNumbers: either('operatorsOfNumbers'),
    configuring: either('configuring'),
    pure: both('pure'),
    readOnly: both('readOnly'),
  }
}
