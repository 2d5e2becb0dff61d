/** What is not closed goes on to the end of its line, or of the text, so that nothing is looked at twice. */
const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.?)*"?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g

/**
 * The text of a Prisma schema with comments blanked and strings filled, at equal length: braces, brackets, commas and `@` in it are
 * structure, and an offset in it is one in the text.
 */
export function maskSchema(text: string): string {
  return text.replace(STRING_OR_COMMENT, (found) =>
    /^".*"$/.test(found) && found.length > 1 ? `"${'x'.repeat(found.length - 2)}"` : found.replace(/[^\r\n]/g, ' '),
  )
}
