import type { Call, Loop } from './program.ts'

/**
 * The same loop with other constants: a reversed order, another limit. The two look alike without their
 * values.
 */
export function twinOf({ call, keys }: Loop): Loop {
  return { call: otherConstants(call), keys }
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
