/** Characters with which an operator of several characters can end in a sign. */
const SPECIAL = /[~!@#^&|`?%]/

/**
 * The operators of PostgreSQL in adjacent operator characters. `*-` is two operators, because one of several
 * characters ends in `+` or `-` only if it contains a special character. `?` can also be a bound value.
 */
export function operatorsOfRun(run: string): readonly string[] {
  const found = split(run)
  return run.includes('?') ? [...found, ...run.split('?').flatMap((part) => split(part))] : found
}

function split(run: string): readonly string[] {
  const found: string[] = []
  for (let rest = run; rest !== ''; ) {
    let end = rest.length
    if (!SPECIAL.test(rest.slice(0, -1)))
      while (end > 1 && /[-+]/.test(rest.charAt(end - 1)) && !SPECIAL.test(rest.slice(0, end - 1))) end -= 1
    const name = rest.slice(0, end)
    found.push(name === '!=' ? '<>' : name)
    rest = rest.slice(end)
  }
  return found
}

const NONE: readonly string[] = []
const EQUALITY: readonly string[] = ['=']

const implied: ReadonlyMap<string, readonly string[]> = new Map([
  ['IN', ['=', '<>']],
  ['NULLIF', EQUALITY],
  ['CASE', EQUALITY],
  ['DISTINCT', EQUALITY],
  ['USING', EQUALITY],
  ['NATURAL', EQUALITY],
  ['BETWEEN', ['<', '<=', '>', '>=']],
  ['LIKE', ['~~', '!~~']],
  ['ILIKE', ['~~*', '!~~*']],
  ['SIMILAR', ['~', '!~']],
])

/** The operators that a keyword calls by their names: `IS DISTINCT FROM` calls `=`. */
export function impliedOperators(upper: string): readonly string[] {
  return implied.get(upper) ?? NONE
}
