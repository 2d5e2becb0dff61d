import type { ColumnInfo } from '../../schema/catalog-data.ts'
import { lowerAscii } from '../../sql/characters.ts'
import type { Range } from '../../sql/token-map.ts'
import type { Token } from '../../sql/tokenize.ts'
import type { QueryTree } from '../../sql/tree/query-tree.ts'
import { isName } from './names.ts'

/**
 * Built-in types that represent every key value as it is written, by the type of the column. A length or
 * precision would truncate or round values, so that two keys could be one.
 */
const CASTS: Readonly<Record<string, readonly string[]>> = {
  integer: ['int2', 'int4', 'int8'],
  text: ['text', 'varchar'],
  uuid: ['uuid'],
  date: ['date'],
}
const ALIASES: Readonly<Record<string, string>> = {
  smallint: 'int2',
  int: 'int4',
  integer: 'int4',
  bigint: 'int8',
}

/**
 * Returns the token of the parameter of a key: `$1`, and on PostgreSQL `$1::uuid` and `cast($1 as uuid)`, if
 * the cast is to the type of the column. `undefined` for any other value.
 *
 * @param defaultSchema - The schema of types without one.
 */
export function keyParameter(
  { start, end }: Range,
  { tokens, dialect }: QueryTree,
  column: ColumnInfo,
  defaultSchema: string,
): number | undefined {
  if (end - start === 1) return start
  if (dialect !== 'postgresql') return undefined
  const isCall = tokens[start]?.upper === 'CAST' && tokens[start + 1]?.text === '('
  const at = isCall ? start + 2 : start
  const isCast = isCall
    ? tokens[at + 1]?.upper === 'AS' && tokens[end - 1]?.text === ')'
    : tokens[at + 1]?.text === '::'
  return isCast && isTypeOf(column, tokens.slice(at + 2, isCall ? end - 1 : end), defaultSchema)
    ? at
    : undefined
}

function isTypeOf(
  { type, exactType }: ColumnInfo,
  written: readonly Token[],
  defaultSchema: string,
): boolean {
  if (!isName(written)) return false
  const parts = written
    .filter((_, at) => at % 2 === 0)
    .map(({ kind, text }) => (kind === 'word' ? lowerAscii(text) : text))
  const [name = '', schema, ...others] = parts.toReversed()
  if (others.length > 0) return false
  if (exactType?.includes('.') === true) return exactType === `${schema ?? defaultSchema}.${name}`
  const isBuiltIn = schema === undefined || schema === 'pg_catalog'
  const known = schema === undefined && written[0]?.kind === 'word' ? (ALIASES[name] ?? name) : name
  return isBuiltIn && CASTS[exactType ?? type]?.includes(known) === true
}
