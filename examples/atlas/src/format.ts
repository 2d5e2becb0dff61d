export interface ReportStyle {
  readonly color: boolean
  /** Characters in a line. */
  readonly width: number
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((part / whole) * 100)}%`
}

export function paint(style: ReportStyle, code: string, text: string): string {
  return style.color ? `\u001b[${code}m${text}\u001b[0m` : text
}
