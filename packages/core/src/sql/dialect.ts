/** The SQL dialects that Sluice reads. MariaDB counts as `mysql`. */
export type Dialect = 'postgresql' | 'sqlite' | 'mysql'

/** Keys that one statement may bind on each database, with room for the ORM's own values. */
export const MAX_BOUND_KEYS: Readonly<Record<Dialect, number>> = { sqlite: 900, postgresql: 32_000, mysql: 65_000 }

/** Where the dialects' lexical rules differ. Server settings are taken at their defaults (MySQL: no ANSI_QUOTES; PostgreSQL: standard strings). */
export interface LexicalRules {
  /** `--` starts a comment only before white space. */
  readonly dashesNeedSpace: boolean
  /** `#` starts a comment. */
  readonly hashComments: boolean
  /** A `--` comment ends at a carriage return too. */
  readonly returnEndsComment: boolean
  readonly nestedComments: boolean
  /** `/*!` and `/*M!` hold code that some servers run. */
  readonly executableComments: boolean
  /** A backslash escapes in every string. */
  readonly backslashes: boolean
  readonly doubleQuotedStrings: boolean
  /** `"x"` is a string where there is no column of that name. */
  readonly doubleQuotedFallback: boolean
  readonly backticks: boolean
  /** `[name]` is an identifier; else brackets are symbols. */
  readonly bracketedNames: boolean
  /** `$tag$ … $tag$` and `$1`. */
  readonly dollarQuotes: boolean
  /** `E''` and `U&''`, and a string that goes on after a line break. */
  readonly escapeStrings: boolean
  /** Letters that may stand directly before a string's quote, lower case. */
  readonly stringPrefixes: string
  /** `@x` is a parameter or a session variable. */
  readonly atNames: boolean
  /** An identifier may begin with a digit or with `$`. */
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

export const lexicalRules: Readonly<Record<Dialect, LexicalRules>> = { postgresql: POSTGRESQL, sqlite: SQLITE, mysql: MYSQL }

/** A name as the dialect quotes it. */
export function quoteName(name: string, dialect: Dialect): string {
  return dialect === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`
}
