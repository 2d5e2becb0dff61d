import { hash } from '../../shared/late-modules.ts'
import { words } from '../../sql/keywords.ts'

/** Functions of the language that apps and drivers use as parsers. */
const GLOBALS: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [Number, 'Number'],
  [String, 'String'],
  [Boolean, 'Boolean'],
  [BigInt, 'BigInt'],
  [parseInt, 'parseInt'],
  [parseFloat, 'parseFloat'],
  [JSON.parse, 'JSON.parse'],
])

/**
 * The parsers of `pg-types` 2.2 that use other functions of their module: the start of the SHA-256 of each
 * source.
 */
const PG_TYPES: ReadonlySet<string> =
  words(`sKvjrmWcP00AyKAk F6-uo8v9ZzX5H1DD Hb55yZn12jYTNdhp 6pkL8P4Wjf-Pc_k6 H32BQXoxZMvr_riN
  DMAymSP3Z27ILNP5 0PAhKG1tRk4GlOYA RGh8QzTpn5-feO9x EUZINTQb2qJRPivi 2a2Yo0Mzs3n319kf
  7oJblCrqjrTRW0vL kU_w_cwrCXc3WsBP Mg5kpqXB_7wtoT6V MD4n7yRvHOjZ1zL0 31ITkRDgpbXIjJZE
  736W4-1rhwLqISH- 8zTovKlDL9SW7HjK`)

/** A document that parsers of JSON with another treatment of numbers, names or dates read differently. */
const DOCUMENT =
  '{"a":[1.50,12345678901234567890,1e400,-0,"2020-01-02T03:04:05.678Z",null,true],"__proto__":{"b":1},"a":[1.50,9007199254740993,-0,"2020-01-02T03:04:05.678Z","/Date(1)/",{"":{}}]}'

/** The identities of functions whose source does not identify them. */
const known = new WeakMap<object, string | false>()
/** Whether the source of a function identifies it. Some drivers create their parsers for each query. */
const identifying = new Map<string, boolean>()
const MAX_SOURCES = 500

/**
 * Identifies a function in every process: two functions with the same identity return the same for the same
 * arguments.
 *
 * @returns `undefined` if it may use variables or other functions of its module.
 */
export function functionIdentity(parser: unknown): string | undefined {
  if (typeof parser !== 'function') return undefined
  const found = known.get(parser) ?? GLOBALS.get(parser)
  if (found !== undefined) return found === false ? undefined : found
  const source = String(parser)
  if (isIdentifying(source)) return source
  const identity = isBoundJsonParser(parser) ? 'JSON.parse' : undefined
  known.set(parser, identity ?? false)
  return identity
}

/** Whether two functions return the same for the same arguments. */
export function areEquivalent(one: unknown, other: unknown): boolean {
  if (one === other) return true
  const identity = functionIdentity(one)
  return identity !== undefined && identity === functionIdentity(other)
}

function isIdentifying(source: string): boolean {
  let isKnown = identifying.get(source)
  if (isKnown === undefined) {
    isKnown = isSelfContained(source) || PG_TYPES.has(hash('sha256', source, 'base64url').slice(0, 16))
    if (identifying.size >= MAX_SOURCES) identifying.clear()
    identifying.set(source, isKnown)
  }
  return isKnown
}

/** `pg` parses JSON with `JSON.parse.bind(JSON)`, whose source contains no information. */
function isBoundJsonParser(parser: object): boolean {
  const { name, length } = parser as { readonly name?: unknown; readonly length?: unknown }
  if (name !== 'bound parse' || length !== JSON.parse.length) return false
  try {
    return shown((parser as (text: string) => unknown)(DOCUMENT)) === shown(JSON.parse(DOCUMENT))
  } catch {
    return false
  }
}

function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return Object.is(value, -0) ? '-0' : `${typeof value} ${value}`
  const names = Object.entries(value).map(([name, field]) => `${name}:${shown(field)}`)
  return `${Object.prototype.toString.call(value)} ${Object.getPrototypeOf(value) === (Array.isArray(value) ? Array : Object).prototype} {${names.join()}}`
}

const HEAD = /^function\b[^(]*/
const PARAMETERS = /^(?:function\b[^(]*)?\(([\w$,\s]*)\)|^([\w$]+)\s*=>/
/** Keywords, and functions of the language, which return the same for the same arguments. */
const KEYWORDS: ReadonlySet<string> = words(`function return if else null true false undefined typeof new
  Number String Boolean BigInt parseInt parseFloat JSON`)
/** A template without nested templates or braces. */
const TEMPLATE = /`(?:[^`\\$]|\$(?!\{)|\$\{[^{}`]*\})*`/g
const EXPRESSION = /\$\{([^{}`]*)\}/g
/** Other uses of a date read the clock. */
const DATE_OF_VALUE = /\bnew Date\((?!\s*\))/g

/** The latest function: ORMs pass an equal one with each query. */
let latest = { source: '', isSelfContained: false }

/**
 * Whether a function uses nothing but its parameters and functions of the language, so that a function with
 * the same source returns the same results.
 *
 * @param source - The function as a string.
 */
export function isSelfContained(source: string): boolean {
  if (latest.source !== source) latest = { source, isSelfContained: usesParametersOnly(source) }
  return latest.isSelfContained
}

function usesParametersOnly(source: string): boolean {
  const [, several, one] = PARAMETERS.exec(source) ?? []
  const parameters = several?.split(',').map((name) => name.trim()) ?? [one]
  // Strings contain no names. Regular expressions, nested templates, templates together with strings, and
  // comments are not examined.
  const own = source.replace(HEAD, '')
  const body = /['"]/.test(own) ? own : own.replaceAll(TEMPLATE, expressionsOf)
  const code = body.replaceAll(/'[^'\\\n]*'|"[^"\\\n]*"/g, '""').replaceAll(DATE_OF_VALUE, '(')
  const names = code.match(/(?<![\w$.])[A-Za-z_$][\w$]*/g) ?? []
  return !/[`/\\[\]]/.test(code) && names.every((name) => parameters.includes(name) || KEYWORDS.has(name))
}

function expressionsOf(template: string): string {
  return `(${[...template.matchAll(EXPRESSION)].map(([, expression]) => expression).join()})`
}
