const CODES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', blue: '34', cyan: '36', inverse: '7' } as const

export type Style = keyof typeof CODES

/** Colours texts, or leaves them. */
export type Paint = (style: Style, text: string) => string

/** @param isColored - See `wantsColor`. */
export function paintWith(isColored: boolean): Paint {
  return (style, text) => (isColored && text !== '' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text)
}

/**
 * Whether to colour: as `--color` or `--no-color` says, else by `NO_COLOR` and `FORCE_COLOR`, else on a terminal.
 *
 * Source: https://no-color.org
 */
export function wantsColor(option: boolean | undefined, isTerminal: boolean, environment: NodeJS.ProcessEnv = process.env): boolean {
  if (option !== undefined) return option
  if ((environment.NO_COLOR ?? '') !== '') return false
  if ((environment.FORCE_COLOR ?? '') !== '') return environment.FORCE_COLOR !== '0'
  return isTerminal
}
