/** What a terminal would act on, and what would turn the direction of a line: names of routes come from whoever sends requests. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Two columns wide: of East Asian scripts, and pictures. Source: Unicode Standard Annex 11, in rough. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u
const PLAIN = /^[\u0020-\u007e]*$/

/** A text of elsewhere that may be written to a terminal, in one line. */
export function safeText(text: string): string {
  return text.replace(CONTROLS, '\ufffd')
}

/** The columns that a text without colours takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of text) width += NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

/** A text in so many columns at most; what is cut off is an ellipsis. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  if (columns <= 0) return ''
  let taken = ''
  let width = 0
  for (const character of text) {
    const next = widthOf(character)
    if (width + next > columns - 1) break
    taken += character
    width += next
  }
  return `${taken}…`
}

/** A text in exactly so many columns. */
export function cell(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const shown = cut(text, columns)
  const rest = ' '.repeat(Math.max(0, columns - widthOf(shown)))
  return align === 'left' ? `${shown}${rest}` : `${rest}${shown}`
}
