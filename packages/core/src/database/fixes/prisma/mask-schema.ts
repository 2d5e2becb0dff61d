const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g

/**
 * The text of a Prisma schema with comments blanked and strings filled, at equal length: braces, brackets, commas and `@` in it are
 * structure, and an offset in it is one in the text.
 */
export function maskSchema(text: string): string {
  return text.replace(STRING_OR_COMMENT, (found) =>
    found.startsWith('"') ? `"${'x'.repeat(found.length - 2)}"` : found.replace(/[^\r\n]/g, ' '),
  )
}
