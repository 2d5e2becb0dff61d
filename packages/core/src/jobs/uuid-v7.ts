import { randomBytes } from 'node:crypto'

const POOL = 4_096
const SUFFIX = 6
let pool = Buffer.alloc(0)
let offset = 0
let lastMs = 0
let counter = 0
let prefix = ''

/** A UUID of version 7, greater than all that this process made before. Source: RFC 9562, section 6.2, method 1. */
export function uuidV7(nowMs: number): string {
  if (nowMs > lastMs) {
    lastMs = nowMs
    counter = 0
    const hex = nowMs.toString(16).padStart(12, '0')
    prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
  } else {
    counter += 1
    // 24 bits of one millisecond are not used up; the clock may have gone back for long.
    if (counter >= 1 << 22) return uuidV7(lastMs + 1)
  }
  const count = (0x800000 | counter).toString(16)
  if (offset + SUFFIX > pool.length) {
    pool = randomBytes(POOL)
    offset = 0
  }
  const random = pool.toString('hex', offset, offset + SUFFIX)
  offset += SUFFIX
  // Twelve bits of the count, the variant, the other twelve, and what chance gives.
  return `${prefix}${count.slice(0, 3)}-a${count.slice(3)}-${random}`
}
