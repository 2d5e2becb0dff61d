/** For `parseArgs`: every command takes these. */
export const colorOptions = {
  color: { type: 'boolean' },
  'no-color': { type: 'boolean' },
} as const

/** What was said of colours; `undefined`: nothing. */
export function colorOf(values: { readonly color?: boolean | undefined; readonly 'no-color'?: boolean | undefined }): boolean | undefined {
  return values['no-color'] === true ? false : values.color
}
