import { words } from '../keywords.ts'
import type { SqlCursor } from './cursor.ts'

const hintStarts = words('USE FORCE IGNORE')
const hintKinds = words('INDEX KEY')

/** `INDEXED BY i`, `USE INDEX (i)`, `TABLESAMPLE …`: they change the plan, not the query. */
export function readHints(cursor: SqlCursor): void {
  if (cursor.takeWords('INDEXED', 'BY')) cursor.name()
  else if (
    !cursor.takeWords('NOT', 'INDEXED') &&
    cursor.dialect === 'postgresql' &&
    cursor.isWord('TABLESAMPLE')
  ) {
    cursor.position++
    cursor.tableName()
    cursor.skipParentheses()
    if (cursor.takeWord('REPEATABLE')) cursor.skipParentheses()
  }
  if (cursor.dialect !== 'mysql') return
  if (cursor.isWord('FOR') && cursor.isWord('SYSTEM_TIME', 1)) cursor.fail('FOR SYSTEM_TIME')
  while (cursor.isAny(hintStarts) && cursor.isAny(hintKinds, 1)) {
    cursor.skipNames(cursor.position + 2)
    if (cursor.takeWord('FOR') && !cursor.takeWord('JOIN')) {
      if (!cursor.takeWord('ORDER')) cursor.expectWord('GROUP')
      cursor.expectWord('BY')
    }
    cursor.skipParentheses()
    if (cursor.isSymbol(',') && cursor.isAny(hintStarts, 1) && cursor.isAny(hintKinds, 2)) cursor.position++
  }
}
