/**
 * Two texts that a collation may hold equal have one fold: case, accents, width and trailing spaces are dropped.
 * Coarser than any collation in common use, so that different folds are different keys everywhere.
 */
export function foldKey(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+$/u, '')
}
