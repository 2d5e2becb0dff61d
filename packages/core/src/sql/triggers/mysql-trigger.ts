import { isBuiltInCall } from '../calls.ts'
import { lowerAscii } from '../characters.ts'
import { words } from '../keywords.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import { isSymbolToken, type Token, tokenize } from '../tokenize.ts'
import { targetsAfter } from './targets.ts'

/** The statements in a trigger that can change a table. It cannot contain dynamic SQL or other DDL. */
const writing = words('INSERT UPDATE DELETE REPLACE LOAD CALL DO EXECUTE PREPARE TRUNCATE CREATE ALTER DROP')
/** Keywords before a parenthesis, and reserved names of types with a size. */
const notCalls = words(
  'ELSEIF WHILE UNTIL VARCHAR CHAR VARBINARY DECIMAL NUMERIC INT INTEGER BIGINT FLOAT DOUBLE',
)
const functionsOfWords = words('INSERT REPLACE')
/** Words after which tables are named. */
const beforeTables = words('FROM JOIN STRAIGHT_JOIN')
/** The values that SIGNAL sets. */
const conditionItems = words('MESSAGE_TEXT MYSQL_ERRNO')
/** Settings in which the tokens of a body have other limits than by default. */
const ODD_MODE = /ANSI|NO_BACKSLASH_ESCAPES|ORACLE|MSSQL|DB2/i

/**
 * The columns of NEW that a trigger of MySQL or MariaDB sets, in lower case.
 *
 * @param body - The statement or block of the trigger.
 * @param sqlMode - The mode in which it was created.
 * @param calling - Names of views whose queries call functions that may write, in lower case.
 * @returns `undefined` if the trigger may change anything else.
 */
export function columnsSetByMysqlTrigger(
  body: string,
  sqlMode: string,
  calling: ReadonlySet<string>,
): ReadonlySet<string> | undefined {
  if (ODD_MODE.test(sqlMode)) return undefined
  try {
    const tokens = tokenize(body, 'mysql')
    if (calling.size > 0 && tokens.some(({ text }) => calling.has(lowerAscii(text)))) return undefined
    return new Body(tokens).read()
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return undefined
  }
}

class Body {
  readonly #columns = new Set<string>()
  readonly #variables: ReadonlySet<string>

  constructor(private readonly tokens: readonly Token[]) {
    this.#variables = declaredIn(tokens)
  }

  read(): ReadonlySet<string> | undefined {
    for (const [at, { kind, upper }] of this.tokens.entries()) {
      const isField = isSymbolToken(this.tokens[at - 1], '.')
      const isCalled = isSymbolToken(this.tokens[at + 1], '(')
      if (isCalled && !this.#isSafeCall(at, isField)) return undefined
      if (kind !== 'word' || isField) continue
      if (writing.has(upper) && !(isCalled && functionsOfWords.has(upper))) return undefined
      if (upper === 'SET' && !isCalled && !this.#isCharacterSet(at) && !this.#readSet(at + 1))
        return undefined
      if (beforeTables.has(upper) && this.#namesDatabase(at)) return undefined
      if (upper === 'INTO' && !targetsAfter(this.tokens, at).every((target) => this.#readTarget(target)))
        return undefined
    }
    return this.#columns
  }

  /** Whether a name with a qualifier follows, which can be a view in a database that was not read. */
  #namesDatabase(start: number): boolean {
    for (let at = start + 1; at < this.tokens.length && !isSymbolToken(this.tokens[at], ';'); at++) {
      const before = this.tokens[at - 1]
      const isFirst = beforeTables.has(before?.upper ?? '') || before?.text === ',' || before?.text === '('
      if (isFirst && this.tokens[at]?.upper !== 'NEW' && this.tokens[at]?.upper !== 'OLD')
        if (isSymbolToken(this.tokens[at + 1], '.')) return true
    }
    return false
  }

  /** `CHARACTER SET utf8mb4`. */
  #isCharacterSet(at: number): boolean {
    return /^CHAR(?:ACTER)?$/.test(this.tokens[at - 1]?.upper ?? '')
  }

  /** Whether a parenthesis certainly does not follow the name of a function that may write. */
  #isSafeCall(at: number, isField: boolean): boolean {
    const token = this.tokens[at]
    if (token?.kind === 'symbol' || token?.kind === 'number') return true
    if (token?.kind !== 'word' || isField) return false
    return isBuiltInCall(token.upper, 'mysql') || notCalls.has(token.upper)
  }

  /** Reads the assignments of SET. */
  #readSet(start: number): boolean {
    let depth = 0
    let isTarget = true
    for (let at = start; at < this.tokens.length && !isSymbolToken(this.tokens[at], ';'); at++) {
      if (isTarget && !(this.#isAssigned(at) && this.#readTarget(at))) return false
      isTarget = depth === 0 && isSymbolToken(this.tokens[at], ',')
      if (isSymbolToken(this.tokens[at], '(')) depth += 1
      else if (isSymbolToken(this.tokens[at], ')')) depth -= 1
    }
    return true
  }

  /** `a =`, `a.b :=`: a word such as SESSION is followed by a name. */
  #isAssigned(at: number): boolean {
    const next = this.tokens[isSymbolToken(this.tokens[at + 1], '.') ? at + 3 : at + 1]
    return isSymbolToken(next, '=') || isSymbolToken(next, ':')
  }

  /** A column of the new row, or a variable of the trigger or the app. */
  #readTarget(at: number): boolean {
    const token = this.tokens[at]
    if (token?.kind === 'parameter') return /^@[^@]/.test(token.text)
    if (token?.kind === 'word' && conditionItems.has(token.upper)) return true
    if (isSymbolToken(this.tokens[at + 1], '.')) {
      const column = this.tokens[at + 2]
      if (token?.upper !== 'NEW' || column === undefined) return false
      this.#columns.add(lowerAscii(column.text))
      return true
    }
    return token !== undefined && this.#variables.has(lowerAscii(token.text))
  }
}

/** The variables that `DECLARE a, b INT` declares. */
function declaredIn(tokens: readonly Token[]): ReadonlySet<string> {
  const variables = new Set<string>()
  for (const [at, { upper }] of tokens.entries())
    if (upper === 'DECLARE')
      for (const name of targetsAfter(tokens, at)) variables.add(lowerAscii(tokens[name]?.text ?? ''))
  return variables
}
