/** PostgreSQL has no NUL in texts. This stands for it, where the app chooses the text; with a `1`, for itself. JSON needs none of that: it writes `\u0000`. */
const SIGN = '\u2400'

export function toText(text: string): string {
  return text.includes('\0') || text.includes(SIGN) ? text.replaceAll(SIGN, `${SIGN}1`).replaceAll('\0', `${SIGN}0`) : text
}

export function fromText(text: string): string {
  return text.includes(SIGN) ? text.replaceAll(`${SIGN}0`, '\0').replaceAll(`${SIGN}1`, SIGN) : text
}
