import { type Call, hole, type Loop } from './program.ts'

/**
 * The same loop with other constants: a reversed order, another limit. The two look alike without their
 * values.
 */
export function twinOf({ call, keys }: Loop): Loop {
  return { call: otherConstants(call), keys }
}

/**
 * Two loops that differ in one constant only: each excludes one of the keys, so that the rows of that key
 * differ. Otherwise a loop and its twin.
 */
export function excludingPair(loop: Loop): readonly Loop[] {
  const { call, keys } = loop
  const twins = [loop, twinOf(loop)]
  if (call.orm === 'prisma' || !Array.isArray(keys)) return twins
  const at = call.chain.findIndex(
    ([method, column, key]) => method === 'where' && typeof column === 'string' && isOnlyHole(key),
  )
  const [first, second] = new Set((keys as readonly unknown[]).filter((key) => key !== null))
  if (at === -1 || second === undefined) return twins
  return [first, second].map((value) => {
    const excluding = ['whereNot', call.chain[at]?.[1], value] as const
    return { call: { ...call, chain: call.chain.toSpliced(at + 1, 0, excluding) }, keys }
  })
}

function isOnlyHole(value: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(hole())
}

function otherConstants(call: Call): Call {
  if (call.orm === 'prisma') return { ...call, args: changed(call.args) }
  return {
    ...call,
    chain: call.chain.map(([method, ...args]) => [method, ...(changed(args) as unknown[])] as const),
  }
}

function changed(value: unknown): unknown {
  if (value === 'asc') return 'desc'
  if (value === 'desc') return 'asc'
  if (typeof value === 'number') return value < 0 ? value - 1 : value + 1
  if (Array.isArray(value)) return value.map(changed)
  if (
    typeof value !== 'object' ||
    value === null ||
    Object.getPrototypeOf(value) !== Object.prototype ||
    '$key' in value
  )
    return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, changed(inner)]))
}
