import { words } from '../../sql/keywords.ts'

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
