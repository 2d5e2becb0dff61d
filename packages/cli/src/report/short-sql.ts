/**
 * Shortens a normalized query to `room` characters. Removes default schemas first, then the select list, then
 * the end.
 *
 * @param sql - One line, with `?` or `$1` for values.
 */
export function shortSql(sql: string, room: number): string {
  if (sql.length <= room) return sql
  const bare = sql.replace(/(?<![\w.])(?:"(?:main|public)"|`(?:main|public)`|main|public)\.(?=[\w"`])/g, '')
  if (bare.length <= room) return bare
  const from = selectListEnd(bare)
  const short = from === undefined ? bare : `${bare.slice(0, 6)} … ${bare.slice(from)}`
  return short.length <= room ? short : `${short.slice(0, Math.max(1, room - 1))}…`
}

/** Index of the FROM of the outermost SELECT. */
function selectListEnd(sql: string): number | undefined {
  if (!/^select\s/i.test(sql)) return undefined
  let depth = 0
  for (const { 0: text, index } of sql.matchAll(/[()]|"[^"]*"|`[^`]*`|'[^']*'|\bfrom\b/gi)) {
    if (text === '(') depth += 1
    else if (text === ')') depth -= 1
    else if (depth === 0 && /^from$/i.test(text)) return index
  }
  return undefined
}
