type SqlTokenKind = 'keyword' | 'string' | 'number' | 'comment' | 'parameter' | 'plain'

export interface SqlToken {
  readonly kind: SqlTokenKind
  readonly text: string
}

const KEYWORDS = new Set(
  `ALL ALTER ANALYZE AND ANY AS ASC BEGIN BETWEEN BY CASE CAST COMMIT CONCURRENTLY CONFLICT CREATE CROSS DELETE DESC DISTINCT DO DROP ELSE END EXCEPT
  EXISTS EXPLAIN FALSE FETCH FILTER FIRST FOR FROM FULL GROUP HAVING IF ILIKE IN INCLUDE INDEX INNER INSERT INTERSECT INTO IS JOIN LAST LATERAL LEFT
  LIKE LIMIT NOT NULL NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PRIMARY RETURNING RIGHT ROLLBACK ROWS SELECT SET SIMILAR TABLE THEN TO TRUE UNION
  UNIQUE UPDATE USING VALUES VIEW WHEN WHERE WINDOW WITH`.split(/\s+/),
)

const PATTERN =
  /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*(?:'|$))|(\$\d+|\?|:\w+|@\w+)|(\b\d+(?:\.\d+)?\b)|("(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$))|([A-Za-z_]\w*)/g

/** Characters that are highlighted. The rest is plain. */
const MAX_CHARACTERS = 20_000

/** Splits a statement into tokens for highlighting. Joined, they are equal to the statement. */
export function highlightSql(sql: string): SqlToken[] {
  const tokens: SqlToken[] = []
  const add = (kind: SqlTokenKind, text: string): void => {
    const last = tokens.at(-1)
    if (last !== undefined && last.kind === kind) tokens[tokens.length - 1] = { kind, text: last.text + text }
    else if (text !== '') tokens.push({ kind, text })
  }
  let end = 0
  for (const match of sql.slice(0, MAX_CHARACTERS).matchAll(PATTERN)) {
    add('plain', sql.slice(end, match.index))
    const [text, comment, string, parameter, number, , word] = match
    end = match.index + text.length
    if (comment !== undefined) add('comment', text)
    else if (string !== undefined) add('string', text)
    else if (parameter !== undefined) add('parameter', text)
    else if (number !== undefined) add('number', text)
    else add(word !== undefined && KEYWORDS.has(word.toUpperCase()) ? 'keyword' : 'plain', text)
  }
  add('plain', sql.slice(end))
  return tokens
}

const CLAUSES =
  /(?<!\s|\b(?:LEFT|RIGHT|INNER|CROSS|FULL|OUTER|DELETE|DISTINCT|UPDATE))\s+(?=(?:FROM|WHERE|(?:LEFT|RIGHT|INNER|CROSS|FULL)(?: OUTER)? JOIN|JOIN|GROUP BY|HAVING|ORDER BY|LIMIT|OFFSET|RETURNING|VALUES|SET|UNION|ON CONFLICT)\b)/gi

/** Puts each clause on a line. Quoted text is unchanged, and so is a statement that already has lines. */
export function linesOfSql(sql: string): string {
  if (sql.includes('\n') || sql.length > MAX_CHARACTERS) return sql
  return sql
    .split(/('(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(CLAUSES, '\n')))
    .join('')
}
