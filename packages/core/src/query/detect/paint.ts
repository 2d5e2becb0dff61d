export interface FormatOptions {
  /** ANSI colours. @defaultValue false */
  readonly color?: boolean
  /** Characters in a line; longer SQL is cut, places and fixes never are. @defaultValue 100 */
  readonly width?: number
}

const CODES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const

export type Painter = (style: keyof typeof CODES, text: string) => string

/** Colours texts where they are wanted. */
export function painter({ color }: FormatOptions): Painter {
  return (style, text) => (color === true ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text)
}
