import { redact } from './redact.ts'

/** Longer than any secret that is not recognized if its end is missing, with the text around it. */
const MARGIN = 8_192

/**
 * The first `maxLength` characters of a string, without passwords. Linear in `maxLength`, not in the length
 * of the string, and contains no part of a password that is cut off.
 */
export function redactStart(text: string, maxLength: number): string {
  const end = maxLength + MARGIN
  if (text.length <= end) return cut(redact(text), maxLength)
  // A password that is cut off at `end` begins within the margin, which is dropped again.
  const redacted = redact(text.slice(0, end))
  return cut(redacted, Math.min(maxLength, Math.max(0, redacted.length - MARGIN)))
}

/** Copies: a slice would retain the whole string. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(0, length)).toString()
}
