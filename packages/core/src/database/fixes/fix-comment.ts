import { indexLabel } from '../index-definition.ts'
import type { SchemaChange } from './fix.ts'

/** What a change is and why, as lines of a comment. Names of a database may have anything in them, and Prisma ends statements at a semicolon even in a comment. */
export function changeComment(change: SchemaChange): string[] {
  const what = change.kind === 'create-index' ? 'Index on' : `Drops ${change.name}, an index on`
  return [`${what} ${indexLabel(change.index)}`, change.reason ?? ''].filter((line) => line !== '').map(commentText)
}

/** A text in one line that ends no comment and no statement. */
export function commentText(text: string): string {
  return text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll(';', ',')
    .replaceAll('*/', '* /')
    .trim()
}
