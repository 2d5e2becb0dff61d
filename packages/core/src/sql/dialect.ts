/** The SQL dialects that Sluice supports. MariaDB counts as `mysql`. */
export type Dialect = 'postgresql' | 'sqlite' | 'mysql'

/** Number of keys that one statement can bind on each database, with a reserve for the ORM's values. */
export const MAX_BOUND_KEYS: Readonly<Record<Dialect, number>> = {
  sqlite: 900,
  postgresql: 32_000,
  mysql: 65_000,
}

/**
 * Differences in the lexical rules of the dialects. Server settings are assumed to have their defaults
 * (MySQL: no ANSI_QUOTES; PostgreSQL: standard strings).
 */
export interface LexicalRules {
  /** `--` starts a comment only before white space. */
  readonly dashesNeedSpace: boolean
  /** `#` starts a comment. */
  readonly hashComments: boolean
  /** A carriage return also ends a `--` comment. */
  readonly returnEndsComment: boolean
  readonly nestedComments: boolean
  /** `/*!` and `/*M!` contain code that some servers run. */
  readonly executableComments: boolean
  /** A backslash is an escape character in every string. */
  readonly backslashes: boolean
  readonly doubleQuotedStrings: boolean
  /** `"x"` is a string if no column of that name exists. */
  readonly doubleQuotedFallback: boolean
  readonly backticks: boolean
  /** `[name]` is an identifier; otherwise brackets are symbols. */
  readonly bracketedNames: boolean
  /** `$tag$ … $tag$` and `$1`. */
  readonly dollarQuotes: boolean
  /** `E''` and `U&''`, and strings that continue after a line break. */
  readonly escapeStrings: boolean
  /** Letters that can directly precede a string's quote, lower case. */
  readonly stringPrefixes: string
  /** `@x` is a parameter or a session variable. */
  readonly atNames: boolean
  /** An identifier can begin with a digit or with `$`. */
  readonly looseNames: boolean
  /** `$x`, `?1`, and the `::` and `(…)` suffixes of Tcl variables. */
  readonly tclParameters: boolean
}

const POSTGRESQL: LexicalRules = {
  dashesNeedSpace: false,
  hashComments: false,
  returnEndsComment: true,
  nestedComments: true,
  executableComments: false,
  backslashes: false,
  doubleQuotedStrings: false,
  doubleQuotedFallback: false,
  backticks: false,
  bracketedNames: false,
  dollarQuotes: true,
  escapeStrings: true,
  stringPrefixes: 'bxn',
  atNames: false,
  looseNames: false,
  tclParameters: false,
}

const SQLITE: LexicalRules = {
  ...POSTGRESQL,
  returnEndsComment: false,
  nestedComments: false,
  doubleQuotedFallback: true,
  backticks: true,
  bracketedNames: true,
  dollarQuotes: false,
  escapeStrings: false,
  stringPrefixes: 'x',
  atNames: true,
  tclParameters: true,
}

const MYSQL: LexicalRules = {
  ...POSTGRESQL,
  dashesNeedSpace: true,
  hashComments: true,
  returnEndsComment: false,
  nestedComments: false,
  executableComments: true,
  backslashes: true,
  doubleQuotedStrings: true,
  backticks: true,
  dollarQuotes: false,
  escapeStrings: false,
  atNames: true,
  looseNames: true,
}

export const lexicalRules: Readonly<Record<Dialect, LexicalRules>> = {
  postgresql: POSTGRESQL,
  sqlite: SQLITE,
  mysql: MYSQL,
}

/** A name, quoted for the dialect. */
export function quoteName(name: string, dialect: Dialect): string {
  return dialect === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`
}
