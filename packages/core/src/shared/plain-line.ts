/** Escape sequences of terminals: CSI, OSC and the like, and single ones. Their C1 forms included. */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  /(?:\u001b\[|\u009b)[\u0020-\u003f]*[\u0040-\u007e]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[\u0020-\u002f]*[\u0030-\u007e]/g
const SPACES = /[\t\n\v\f\r\u0085\u2028\u2029]+/g
/** Control characters, and those that change the direction of a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const PLAIN = /^[\u0020-\u007e]*$/

/**
 * Returns an external string (names of routes, SQL, messages of drivers) as one line for a terminal, a log or
 * Markdown: without escape sequences, control characters and characters that change the text direction.
 */
export function plainLine(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(SEQUENCES, '').replace(SPACES, ' ').replace(CONTROLS, '\ufffd')
}
