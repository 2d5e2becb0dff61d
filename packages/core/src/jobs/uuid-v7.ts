import { randomBytes } from '../shared/late-modules.ts'

const POOL = 4_096
const RANDOM_BYTES = 6
const HEX: Buffer = Buffer.from('0123456789abcdef', 'latin1')
/**
 * Written over again for each: text that is put together from pieces is copied once more when it becomes a
 * key.
 */
const text: Buffer = Buffer.from('00000000-0000-7000-a000-000000000000', 'latin1')
let pool = Buffer.alloc(0)
let offset = 0
let lastMs = 0
let counter = 0

/**
 * A UUID of version 7, greater than all that this process made before. Source: RFC 9562, section 6.2, method
 * 1.
 */
export function uuidV7(nowMs: number): string {
  if (nowMs > lastMs) {
    lastMs = nowMs
    counter = 0
    const hex = nowMs.toString(16).padStart(12, '0')
    text.write(`${hex.slice(0, 8)}-${hex.slice(8)}`, 0, 'latin1')
  } else {
    counter += 1
    // 24 bits of one millisecond are not used up; the clock may have gone back for long.
    if (counter >= 1 << 22) return uuidV7(lastMs + 1)
  }
  // After the version: twelve bits of the count; after the variant: the other twelve, and what chance gives.
  const count = 0x800000 | counter
  writeHex(count >>> 12, 15, 3)
  writeHex(count & 0xfff, 20, 3)
  if (offset + RANDOM_BYTES > pool.length) {
    pool = randomBytes(POOL)
    offset = 0
  }
  for (let at = 24; at < 36; at += 2) {
    writeHex(pool[offset] as number, at, 2)
    offset += 1
  }
  return text.toString('latin1')
}

function writeHex(value: number, at: number, digits: number): void {
  for (let i = at + digits - 1, rest = value; i >= at; i -= 1, rest >>>= 4) text[i] = HEX[rest & 15] as number
}
