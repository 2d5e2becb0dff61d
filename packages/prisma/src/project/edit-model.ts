import type { PrismaAttribute, PrismaIndex, PrismaModel } from './prisma-model.ts'

/** The order in which `prisma format` puts the attributes of a model. */
const ORDER: Readonly<Record<string, number>> = { id: 0, unique: 1, index: 2, fulltext: 3 }

/** The file with an additional attribute in a model, at the position where `prisma format` would put it. */
export function insertAttribute(
  text: string,
  model: PrismaModel,
  kind: PrismaIndex['kind'],
  line: string,
): string {
  const indent = indentOf(text, model)
  const rank = (attribute: PrismaAttribute) => ORDER[attribute.kind] ?? 4
  const before = model.attributes.findLast((attribute) => rank(attribute) <= (ORDER[kind] ?? 4))
  if (before !== undefined) {
    const at = before.lines.end
    return `${text.slice(0, at)}${lineBreakAt(text, at)}${indent}${line}${text.slice(at)}`
  }
  const next = model.attributes[0]
  if (next !== undefined) {
    const at = commentAbove(text, model, next.lines.start)
    return `${text.slice(0, at)}${indent}${line}${lineBreakAt(text, next.lines.end)}${text.slice(at)}`
  }
  const at = lineStart(text, model.body.end)
  const lineBreak = lineBreakAt(text, previousLineEnd(text, at))
  const blank = isBlankLine(text, lineStart(text, previousLineEnd(text, at)), at) ? '' : lineBreak
  return `${text.slice(0, at)}${blank}${indent}${line}${lineBreak}${text.slice(at)}`
}

/** The file without an attribute of a model. If a blank line would then end the model, it is removed too. */
export function removeAttribute(text: string, model: PrismaModel, { lines }: PrismaAttribute): string {
  const end = lines.end + lineBreakAt(text, lines.end).length
  const above = lineStart(text, previousLineEnd(text, lines.start))
  const isLast = text.slice(end, model.body.end).trim() === ''
  const start =
    isLast && above > model.body.start && isBlankLine(text, above, lines.start) ? above : lines.start
  return text.slice(0, start) + text.slice(end)
}

function indentOf(text: string, { body }: PrismaModel): string {
  return /\n([ \t]+)\S/.exec(text.slice(body.start, body.end))?.[1] ?? '  '
}

function lineBreakAt(text: string, at: number): string {
  return text.startsWith('\r\n', at) ? '\r\n' : '\n'
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1
}

/** The position before the line break that precedes a line's start. */
function previousLineEnd(text: string, start: number): number {
  return text[start - 2] === '\r' ? start - 2 : start - 1
}

function isBlankLine(text: string, start: number, end: number): boolean {
  return text.slice(start, end).trim() === ''
}

/** Start of the comment lines directly above a line, which describe it. */
function commentAbove(text: string, { body }: PrismaModel, start: number): number {
  let at = start
  for (;;) {
    const above = lineStart(text, previousLineEnd(text, at))
    if (above <= body.start || !/^[ \t]*\/\//.test(text.slice(above, at))) return at
    at = above
  }
}
