/** Character codes that the tokenizer compares with. */
export const NEWLINE = 10
export const RETURN = 13
export const DOUBLE_QUOTE = 34
export const HASH = 35
export const DOLLAR = 36
export const AMPERSAND = 38
export const QUOTE = 39
export const ASTERISK = 42
export const DASH = 45
export const DOT = 46
export const SLASH = 47
export const COLON = 58
export const QUESTION = 63
export const AT = 64
export const OPEN_BRACKET = 91
export const BACKSLASH = 92
export const CLOSE_BRACKET = 93
export const BACKTICK = 96

const SPACE = 1
const NAME_START = 2
const DIGIT = 4
const SYMBOL = 8
const LOWER = 16

const classes = new Uint8Array(128)
function mark(characters: string, bit: number): void {
  for (let i = 0; i < characters.length; i++)
    classes[characters.charCodeAt(i)] = (classes[characters.charCodeAt(i)] ?? 0) | bit
}
mark(' \t\n\v\f\r', SPACE)
mark('abcdefghijklmnopqrstuvwxyz', NAME_START | LOWER)
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ_', NAME_START)
mark('0123456789', DIGIT)
mark('()[]{},;.:+-*/<>=~!@#%^&|', SYMBOL)

function has(code: number, bits: number): boolean {
  return code < 128 && ((classes[code] ?? 0) & bits) !== 0
}

export function isSpace(code: number): boolean {
  return has(code, SPACE)
}

export function isDigit(code: number): boolean {
  return has(code, DIGIT)
}

export function isSymbol(code: number): boolean {
  return has(code, SYMBOL)
}

export function isLower(code: number): boolean {
  return has(code, LOWER)
}

/** All databases treat every non-ASCII character as a letter. */
export function isNameStart(code: number): boolean {
  return code > 127 || has(code, NAME_START)
}

export function isNamePart(code: number): boolean {
  return code > 127 || has(code, NAME_START | DIGIT) || code === DOLLAR
}

/** Upper case as in databases: ASCII letters only, so `ſelect` does not become SELECT. */
export function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}

/** Lower case as in databases: ASCII letters only. */
export function lowerAscii(text: string): string {
  if (!/[A-Z]/.test(text)) return text
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
