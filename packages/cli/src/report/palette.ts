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
