import type { Syntax } from '../../source/source-module.ts'

/** Replaces the characters from `start` to `end`. */
export interface TextEdit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Applies edits that do not overlap. Edits at one position are applied in the given order. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const sorted = edits.map((edit, at) => ({ ...edit, at })).sort((a, b) => a.start - b.start || a.at - b.at)
  let result = ''
  let done = 0
  for (const { start, end, text: replacement } of sorted) {
    result += text.slice(done, start) + replacement
    done = end
  }
  return result + text.slice(done)
}

/** Adds an item to a list in brackets or braces, in the layout of the list. */
export function appendItem(text: string, list: Syntax, items: readonly Syntax[], item: string): TextEdit[] {
  const last = items.at(-1)
  const indent = indentAt(text, list.start)
  if (last === undefined) {
    const inner = indent + unitOf(text)
    const end = list.end - 1
    return [{ start: list.start + 1, end, text: `\n${inner}${item},\n${indent}` }]
  }
  const comma = skipSpace(text, last.end)
  const hasComma = text[comma] === ','
  const isMultiline = text.slice(list.start, items[0]?.start).includes('\n')
  const after = hasComma ? comma + 1 : last.end
  const added: TextEdit[] = hasComma ? [] : [{ start: last.end, end: last.end, text: ',' }]
  const at = isMultiline ? endOfComment(text, after) : after
  const before = isMultiline ? `\n${indentAt(text, last.start)}` : ' '
  return [...added, { start: at, end: at, text: `${before}${item}${hasComma ? ',' : ''}` }]
}

/** Removes an item from a list, with its comma and its line. */
export function removeItem(text: string, items: readonly Syntax[], item: Syntax): TextEdit {
  const comma = skipSpace(text, item.end)
  const previous = items[items.indexOf(item) - 1]
  if (text[comma] !== ',') return { start: previous?.end ?? item.start, end: item.end, text: '' }
  const lineStart = text.lastIndexOf('\n', item.start - 1) + 1
  const [rest = ''] = /^[ \t]*\r?\n?/.exec(text.slice(comma + 1)) ?? []
  const isWholeLine = text.slice(lineStart, item.start).trim() === '' && rest.includes('\n')
  return { start: isWholeLine ? lineStart : item.start, end: comma + 1 + rest.length, text: '' }
}

/** The indentation of the line at a position. */
export function indentAt(text: string, position: number): string {
  const line = text.slice(text.lastIndexOf('\n', position - 1) + 1)
  return /^[ \t]*/.exec(line)?.[0] ?? ''
}

/** One level of indentation in a file. */
export function unitOf(text: string): string {
  return /^(\t| {2,8})\S/m.exec(text)?.[1] ?? '  '
}

/** The position of the next character that is neither space nor part of a comment. */
export function skipSpace(text: string, from: number): number {
  const rest = /(?:\s|\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/)*/y
  rest.lastIndex = from
  rest.exec(text)
  return rest.lastIndex
}

/** The end of a comment that follows on the same line. */
function endOfComment(text: string, from: number): number {
  const comment = /[ \t]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/(?=[ \t]*\r?\n))/y
  comment.lastIndex = from
  return comment.exec(text) === null ? from : comment.lastIndex
}
