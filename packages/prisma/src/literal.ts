import { isPlainObject } from './plain-object.ts'

const NAME = /^[A-Za-z_$][\w$]*$/

/** Arguments below which values are the app's data, and differ from call to call. */
const CONDITIONS = new Set(['where', 'cursor', 'having'])

/**
 * An argument of Prisma's as code. Values of conditions become the name `value`.
 *
 * @returns `undefined` for what cannot be written: bytes, references to fields, other classes' instances.
 */
export function literal(value: unknown, isCondition = false): string | undefined {
  if (Array.isArray(value))
    return isCondition && !value.some(isPlainObject)
      ? 'values'
      : bracketed(
          '[',
          value.map((item) => literal(item, isCondition)),
          ']',
        )
  if (isPlainObject(value)) {
    const fields = Object.entries(value).filter(([, inner]) => inner !== undefined)
    return fields.length === 0
      ? '{}'
      : bracketed(
          '{ ',
          fields.map(([name, inner]) => property(name, inner, isCondition)),
          ' }',
        )
  }
  if (isCondition) return value === null ? 'null' : 'value'
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined
  return typeof value === 'boolean' || value === null ? String(value) : undefined
}

/** A property of an object literal. */
export function property(name: string, value: unknown, isCondition = false): string | undefined {
  const written = literal(value, isCondition || CONDITIONS.has(name))
  return written === undefined ? undefined : `${NAME.test(name) ? name : quote(name)}: ${written}`
}

function bracketed(open: string, items: readonly (string | undefined)[], close: string): string | undefined {
  return items.every((item) => item !== undefined) ? `${open}${items.join(', ')}${close}` : undefined
}

function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}
