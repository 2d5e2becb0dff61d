import { plainLine } from '../../shared/plain-line.ts'

export interface FormatOptions {
  /** ANSI colours. @defaultValue false */
  readonly color?: boolean
  /** Characters in a line; longer SQL is cut, places and fixes never are. @defaultValue 100 */
  readonly width?: number
}

const CODES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const

export type Painter = (style: keyof typeof CODES, text: string) => string

/** Makes each text one plain line, and colors it if colors are wanted. */
export function painter({ color }: FormatOptions): Painter {
  return (style, text) => (color === true ? `\u001b[${CODES[style]}m${plainLine(text)}\u001b[0m` : plainLine(text))
}
