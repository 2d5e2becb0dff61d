const ASCII = /^[\x20-\x7e]*$/
/** Letters that no decomposition leads to others, though collations hold them equal to those. */
const LETTERS: Readonly<Record<string, string>> = { Æ: 'AE', Œ: 'OE', Ø: 'O', Đ: 'D', Ð: 'D', Ħ: 'H', Ł: 'L', Ŧ: 'T', Þ: 'TH' }

/**
 * Two texts that a collation may hold equal have one fold: case, accents, width, spaces and punctuation are dropped, `I`, `J` and `Y`
 * are one letter (as in Lithuanian and Roman collations), and so are `U` and `V`.
 * Coarser than any collation in common use, so that different folds are different keys everywhere.
 */
export function foldKey(text: string): string {
  const letters = ASCII.test(text) ? text.toUpperCase().replace(/[^0-9A-Z]+/g, '') : lettersOf(text)
  return letters.replace(/[JY]/g, 'I').replaceAll('V', 'U')
}

function lettersOf(text: string): string {
  // To lower case first: some letters have an upper case that others share (`ς` and `σ`, `ß` and `ss`).
  const letters = text
    .normalize('NFKD')
    .toLowerCase()
    .toUpperCase()
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '')
  return letters.replace(/[ÆŒØĐÐĦŁŦÞ]/g, (letter) => LETTERS[letter] ?? letter)
}
