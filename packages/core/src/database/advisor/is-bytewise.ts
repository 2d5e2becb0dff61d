/** Whether texts are in the order of their bytes (PostgreSQL): an index then serves the beginnings of texts, too. */
export function isBytewise(collation: string | undefined): boolean {
  return collation === 'C' || collation === 'POSIX' || collation === 'ucs_basic'
}
