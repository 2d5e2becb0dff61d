/**
 * Characters with a width of 2 columns: East Asian scripts and emoji. Source: Unicode Standard Annex 11,
 * simplified.
 */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u
const PLAIN = /^[\u0020-\u007e]*$/

/** Width of a string without color codes, in columns. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of text) width += NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

/** Truncates a string to a width, with an ellipsis. */
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

/** Pads or truncates a string to an exact width. */
export function cell(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const shown = cut(text, columns)
  const rest = ' '.repeat(Math.max(0, columns - widthOf(shown)))
  return align === 'left' ? `${shown}${rest}` : `${rest}${shown}`
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `18,402`; small fractions have one decimal. */
export function count(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value)
    ? grouped.format(value)
    : value.toFixed(value < 10 ? 1 : 0)
}

/** `1 finding`, `18,402 findings`. */
export function counted(value: number, one: string, more = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : more}`
}

/** `38%`; values below 1% are `<1%`. */
export function percent(share: number): string {
  const value = share * 100
  if (value > 0 && value < 1) return '<1%'
  return `${Math.round(value)}%`
}

/** `4 MB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let size = value
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit += 1
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`
}

/** `312 ms`, `4.1 s`, `2.6 min`, `12 min`. */
export function duration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(ms < 0.1 ? 3 : 2)} ms`
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 600_000) return `${(ms / 60_000).toFixed(1)} min`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

/** Wraps a string to a width. A longer word has its line alone. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + word.length + 1 > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    lines.push(line)
  }
  return lines
}

/**
 * Same as `wrapped`, but also breaks words that are longer than the width. Do not use it for paths and URLs.
 */
export function wrappedHard(text: string, width: number): string[] {
  const most = Math.max(1, width)
  return wrapped(text, most).flatMap((line) => {
    if (line.length <= most) return [line]
    return Array.from({ length: Math.ceil(line.length / most) }, (_, at) =>
      line.slice(at * most, (at + 1) * most),
    )
  })
}

/** Joins as many parts per line as fit. A longer part is wrapped. */
export function packed(parts: readonly string[], width: number, separator: string): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + separator.length + part.length <= width)
      lines[lines.length - 1] = `${last}${separator}${part}`
    else lines.push(...wrappedHard(part, width))
  }
  return lines
}

const CODES = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  cyan: '36',
  inverse: '7',
} as const

export type Style = keyof typeof CODES

/** Adds color codes to a string if colors are enabled. */
export type Paint = (style: Style, text: string) => string

/** @param isColored - See `usesColor`. */
export function paintWith(isColored: boolean): Paint {
  return (style, text) => (isColored && text !== '' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text)
}

/**
 * Whether to use colors. `--color` and `--no-color` take precedence over `NO_COLOR`, then `FORCE_COLOR`, then
 * whether the output is a terminal.
 *
 * Source: https://no-color.org
 */
export function usesColor(
  option: boolean | undefined,
  isTerminal: boolean,
  environment: NodeJS.ProcessEnv = process.env,
): boolean {
  if (option !== undefined) return option
  if ((environment.NO_COLOR ?? '') !== '') return false
  if ((environment.FORCE_COLOR ?? '') !== '') return environment.FORCE_COLOR !== '0'
  return isTerminal
}
