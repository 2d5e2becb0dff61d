import { lowerAscii } from './characters.ts'
import { words } from './keywords.ts'
import { neutralSettings } from './neutral-settings.ts'
import { NO_NAMES, namesIn, type StatementNames } from './statement-names.ts'
import type { SessionChange } from './statement-types.ts'
import { SqlSyntaxError } from './syntax-error.ts'
import { isSymbolToken, type Token, tokenize } from './tokenize.ts'

/** Words after which a statement of PL/pgSQL begins. */
const beforeStatement = words('BEGIN THEN ELSE LOOP DECLARE')
/** Statements that change the session, and those that run code which a scan does not see. */
const changing = words('SET RESET DISCARD')
const running = words('CALL DO')
/** A statement in a string that changes no session, if it is the only one. */
const SAFE_STATEMENTS =
  /^\s*(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|COPY|LOCK|CREATE|ALTER|DROP|TRUNCATE|REFRESH|ANALYZE|COMMENT|GRANT|REVOKE)\b(?!.*(?:;\s*\S|set_config))/is

/**
 * Whether code in SQL or PL/pgSQL may change a setting of the session beyond its transaction: with SET,
 * `set_config`, or in a statement that it builds itself.
 */
export function mayChangeSession(tokens: readonly Token[]): boolean {
  return tokens.some(({ kind, upper, text }, at) => {
    if (kind === 'quoted') return text === 'set_config'
    if (upper === 'SET_CONFIG') return !isLocalConfig(tokens, at + 1)
    if (upper === 'EXECUTE') return !runsSafe(tokens, at + 1)
    if (running.has(upper)) return !(upper === 'DO' && isConflictAction(tokens[at + 1]))
    return changing.has(upper) && beginsStatement(tokens[at - 1]) && tokens[at + 1]?.upper !== 'LOCAL'
  })
}

/** `ON CONFLICT DO NOTHING`, `DO UPDATE`. */
export function isConflictAction(after: Token | undefined): boolean {
  return after?.upper === 'NOTHING' || after?.upper === 'UPDATE'
}

/**
 * Whether a string that `EXECUTE` builds begins with the literal of a harmless statement, also in `format()`.
 * `EXECUTE FUNCTION` is a part of a trigger's definition.
 */
function runsSafe(tokens: readonly Token[], at: number): boolean {
  const upper = tokens[at]?.upper ?? ''
  if (upper === 'FUNCTION' || upper === 'PROCEDURE') return true
  const literal = tokens[upper === 'FORMAT' ? at + 2 : at]
  return literal?.kind === 'string' && SAFE_STATEMENTS.test(withoutQuotes(literal.text) ?? '')
}

/** The content of `'…'` or `$tag$…$tag$`; `undefined` for strings with escapes. */
function withoutQuotes(literal: string): string | undefined {
  const [quote] = /^(?:\$[^$]*\$|')/.exec(literal) ?? []
  if (quote === undefined || literal.length < 2 * quote.length || !literal.endsWith(quote)) return undefined
  return literal.slice(quote.length, -quote.length)
}

/**
 * Whether code in SQL or PL/pgSQL may change a setting, until the end of its transaction at least, on which
 * the tables behind names depend. A setting of the app, such as `app.tenant`, changes none.
 */
export function mayChangeNames(tokens: readonly Token[]): boolean {
  return tokens.some(({ kind, upper, text }, at) => {
    if (kind === 'quoted') return text === 'set_config'
    if (upper === 'SET_CONFIG') return !preservesNames(configured(tokens, at + 1))
    if (!changing.has(upper) || !beginsStatement(tokens[at - 1])) return false
    const name = tokens[at + 1]?.upper === 'LOCAL' ? at + 2 : at + 1
    const isOfApp = isSymbolToken(tokens[name + 1], '.')
    return !isOfApp && !preservesNames(lowerAscii(tokens[name]?.text ?? ''))
  })
}

function preservesNames(setting: string | undefined): boolean {
  return setting !== undefined && (setting.includes('.') || neutralSettings.has(setting))
}

/** The setting of `set_config('name', …)`; `undefined`: any. */
function configured(tokens: readonly Token[], open: number): string | undefined {
  const [name, comma] = tokens.slice(open + 1, open + 3)
  if (name?.kind !== 'string' || !isSymbolToken(comma, ',')) return undefined
  const setting = withoutQuotes(name.text)
  return setting && lowerAscii(setting)
}

/** Whether a statement of PL/pgSQL begins after a token. */
export function beginsStatement(before: Token | undefined): boolean {
  return (
    before === undefined || before.text === ';' || beforeStatement.has(before.upper) || before.text === '>'
  )
}

/**
 * `set_config(name, value, true)`.
 *
 * @param open - Index of the parenthesis.
 */
function isLocalConfig(tokens: readonly Token[], open: number): boolean {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    const text = tokens[at]?.text
    if (text === '(') depth += 1
    else if (text === ')') depth -= 1
    if (depth === 0) return tokens[at - 1]?.upper === 'TRUE' && tokens[at - 2]?.text === ','
  }
  return false
}

/** The names and effects in the block of a DO statement of PostgreSQL. */
interface DoBlock {
  readonly names: StatementNames
  readonly session: readonly SessionChange[]
}

const UNKNOWN: readonly SessionChange[] = [{ kind: 'set', name: '*' }]

/** `undefined` if the tokens are not those of a DO statement. */
export function doBlockIn(tokens: readonly Token[]): DoBlock | undefined {
  if (tokens[0]?.upper !== 'DO' || tokens[0].kind !== 'word') return undefined
  const code = withoutQuotes(tokens.find(({ kind }) => kind === 'string')?.text ?? '')
  if (code === undefined) return { names: NO_NAMES, session: UNKNOWN }
  try {
    const inner = tokenize(code, 'postgresql')
    return { names: namesIn(code, inner), session: mayChangeSession(inner) ? UNKNOWN : [] }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return { names: NO_NAMES, session: UNKNOWN }
  }
}
