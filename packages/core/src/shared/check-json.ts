import { InvalidArgumentError } from './errors.ts'

/**
 * Maximum number of values in one argument; more are not the input of a person or a script, but an attack.
 */
const MAX_VALUES = 100_000

/**
 * Checks a value that came as JSON.
 *
 * @throws InvalidArgumentError for one that is nested deeper than `maxDepth`, or holds keys by which code
 *   that merges objects changes prototypes.
 */
export function checkJson(argument: string, value: unknown, maxDepth: number): void {
  const left: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }]
  let seen = 0
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue
    if (next.depth >= maxDepth)
      throw new InvalidArgumentError(argument, `JSON of at most ${maxDepth} levels`, 'more')
    for (const [key, member] of Object.entries(next.value)) {
      checkKey(argument, key, member)
      seen += 1
      if (seen > MAX_VALUES)
        throw new InvalidArgumentError(argument, `JSON of at most ${MAX_VALUES} values`, 'more')
      left.push({ value: member, depth: next.depth + 1 })
    }
  }
}

function checkKey(argument: string, key: string, member: unknown): void {
  const isPrototype =
    key === '__proto__' ||
    (key === 'constructor' &&
      typeof member === 'object' &&
      member !== null &&
      Object.hasOwn(member, 'prototype'))
  if (isPrototype) throw new InvalidArgumentError(argument, 'JSON without keys that change prototypes', key)
}
