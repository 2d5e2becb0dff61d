/** Size of a character and of a line, in pixels. */
const CHARACTER = 8.4
const LINE = 22
const PADDING = 20
const TITLE_BAR = 36

/**
 * A dark terminal, with a contrast of at least 4.5 on its background; its border separates it from a dark
 * page.
 */
const STYLE = `
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #e6edf3; white-space: pre }
  .b { font-weight: 700 } .d { fill: #9da7b3 } .r { fill: #ff7b72 } .g { fill: #7ee787 } .y { fill: #e3b341 } .c { fill: #79c0ff }`

const CLASSES: Readonly<Record<string, string>> = {
  '1': 'b',
  '2': 'd',
  '31': 'r',
  '32': 'g',
  '33': 'y',
  '36': 'c',
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Text and the escape sequences of colors before it, alternately. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals begin their sequences with it.
const PARTS = /\u001b\[(\d+)m([^\u001b]*)/g

function textOf(line: string, at: number): string {
  const parts = Array.from(`\u001b[0m${line}`.matchAll(PARTS), ([, code = '', text = '']) => ({ code, text }))
  const width = parts.reduce((sum, { text }) => sum + [...text].length, 0)
  const spans = parts.map(({ code, text }) =>
    code === '0' ? escaped(text) : `<tspan class="${CLASSES[code]}">${escaped(text)}</tspan>`,
  )
  const y = TITLE_BAR + PADDING + at * LINE + LINE / 2
  // With the length, lines are as wide in every font.
  return width === 0
    ? ''
    : `  <text x="${PADDING}" y="${y}" textLength="${(width * CHARACTER).toFixed(1)}">${spans.join('')}</text>\n`
}

const withoutColors = (line: string) => `\u001b[0m${line}`.replace(PARTS, '$2')

/** Draws a terminal with these lines, in their colors. */
export function terminalSvg(title: string, lines: readonly string[]): string {
  const width =
    Math.ceil(Math.max(...lines.map((line) => [...withoutColors(line)].length)) * CHARACTER) + 2 * PADDING
  const height = TITLE_BAR + 2 * PADDING + lines.length * LINE - 8
  const buttons = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, at) => `<circle cx="${20 + at * 20}" cy="18" r="6" fill="${fill}"/>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" xml:space="preserve">
  <title>${escaped(lines.map(withoutColors).join('\n'))}</title>
  <style>${STYLE}
  </style>
  <rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="#161b22" stroke="#57606a"/>
  ${buttons.join('')}
  <text x="${width / 2}" y="23" text-anchor="middle" class="d">${escaped(title)}</text>
${lines.map(textOf).join('')}</svg>
`
}
