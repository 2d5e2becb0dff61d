import { plainLine } from '../../shared/plain-line.ts'

export interface FormatOptions {
  /**
   * ANSI colors.
   *
   * @defaultValue false
   */
  readonly color?: boolean
  /**
   * Maximum line width in characters. Longer SQL is truncated; call sites and fixes are not.
   * @defaultValue 100
   */
  readonly width?: number
}

const CODES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const

export type Painter = (style: keyof typeof CODES, text: string) => string

/** Turns each string into one plain line, and colors it if colors are enabled. */
export function painter({ color }: FormatOptions): Painter {
  return (style, text) =>
    color === true ? `\u001b[${CODES[style]}m${plainLine(text)}\u001b[0m` : plainLine(text)
}
